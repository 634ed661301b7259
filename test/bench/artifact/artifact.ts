/** `npm run bench -- artifact`: how fast layers become artifacts, and how much memory that takes (design section 11). */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { round } from '../figures.ts';
import { type LayerShape, writeLayer } from './layers.ts';
import type { Measured } from './work.ts';

interface Case {
  name: string;
  operation: 'extract' | 'copy';
  layer: LayerShape;
  repeats?: number;
}

const MB = 1e6;
const LARGE_FILES: LayerShape = { files: 10, size: 10 * MB, content: 'text' };
const NOISE: LayerShape = { files: 10, size: 10 * MB, content: 'noise' };
const SMALL_FILES: LayerShape = { files: 20_000, size: 5_000, content: 'text' };
const TWELVE_FILES: LayerShape = { files: 12, size: 600, content: 'text' };

const CASES: Case[] = [
  { name: 'copy, 100 MB', operation: 'copy', layer: NOISE },
  { name: 'extract, 100 MB that do not shrink', operation: 'extract', layer: NOISE },
  { name: 'extract, 100 MB of text in 10 files', operation: 'extract', layer: LARGE_FILES },
  { name: 'extract, 100 MB of text in 20,000 files', operation: 'extract', layer: SMALL_FILES },
  { name: 'extract, 12 small files', operation: 'extract', layer: TWELVE_FILES, repeats: 2000 },
  { name: 'copy, 12 small files', operation: 'copy', layer: TWELVE_FILES, repeats: 2000 },
];

const WORK = fileURLToPath(new URL('work.ts', import.meta.url));

/** Bundled as the functions are: what reads TypeScript would count as memory of ours. */
async function bundleWork(folder: string): Promise<string> {
  const outfile = join(folder, 'work.mjs');
  await build({
    entryPoints: [WORK],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
  });
  return outfile;
}

/** Runs every case and writes a line for each. Speeds count uncompressed bytes, for `copy` those of the layer. */
export async function benchArtifact(write: (line: string) => void): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'longshore-bench-'));
  try {
    const work = await bundleWork(folder);
    for (const { name, operation, layer, repeats = 1 } of CASES) {
      const file = join(folder, 'layer.tar.gz');
      await writeLayer(file, layer);
      const { size } = await stat(file);
      const { stdout } = await promisify(execFile)(process.execPath, [
        work,
        file,
        operation,
        String(repeats),
      ]);
      const { seconds, cpuSeconds, peakMiB } = JSON.parse(stdout) as Measured;
      const megabytes = (repeats * (operation === 'copy' ? size : layer.files * layer.size)) / MB;
      const figures = {
        layerMB: round(size / MB),
        MBPerSecond: round(megabytes / seconds),
        MBPerCpuSecond: round(megabytes / cpuSeconds),
        cpuMsEach: round((cpuSeconds * 1000) / repeats),
        peakRssMiB: round(peakMiB),
      };
      write(`${name.padEnd(42)}${JSON.stringify(figures)}`);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}
