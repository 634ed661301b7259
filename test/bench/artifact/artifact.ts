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

/** Runs every case and writes a line for each. Speeds count uncompressed bytes, for `copy` those of the layer. */
export async function benchArtifact(write: (line: string) => void): Promise<void> {
  await withWork(async (measure) => {
    for (const { name, operation, layer, repeats = 1 } of CASES) {
      const { size, seconds, cpuSeconds, peakMiB } = await measure(operation, layer, repeats);
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
  });
}

type Measure = (
  operation: 'extract' | 'copy',
  layer: LayerShape,
  repeats: number,
) => Promise<Measured & { size: number }>;

/**
 * Gives out what measures one layer, in a process of its own.
 * That is bundled as the functions are: what reads TypeScript would count as memory of ours.
 */
export async function withWork(use: (measure: Measure) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'longshore-bench-'));
  const outfile = join(folder, 'work.mjs');
  const file = join(folder, 'layer.tar.gz');
  try {
    await build({
      entryPoints: [WORK],
      outfile,
      bundle: true,
      platform: 'node',
      format: 'esm',
      logLevel: 'error',
    });
    await use(async (operation, layer, repeats) => {
      await writeLayer(file, layer);
      const { size } = await stat(file);
      const { stdout } = await promisify(execFile)(process.execPath, [
        outfile,
        file,
        operation,
        String(repeats),
      ]);
      return { ...(JSON.parse(stdout) as Measured), size };
    });
  } finally {
    await rm(folder, { recursive: true });
  }
}
