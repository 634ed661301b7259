/**
 * What a cold start costs (design section 11): the bytes that the entry imports statically and the milliseconds that
 * this import takes in a fresh process.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { type Bundle, ENTRY_FILE } from './bundle.ts';
import type { ZipFiles } from './zip.ts';

const run = promisify(execFile);

/** Goals of a function: bytes that its cold start reads, milliseconds that its import takes over bare Node. */
export interface Budget {
  bytes: number;
  importMs: number;
}

const SCAN: Budget = { bytes: 300_000, importMs: 40 };
const BUDGETS: Record<string, Budget> = { 'oci-repository': { bytes: 900_000, importMs: 160 } };

/** The goals for the function of that name. */
export function budgetOf(name: string): Budget {
  return BUDGETS[name] ?? SCAN;
}

/** How much one package, or our own code, adds to the static part. */
export interface Share {
  owner: string;
  bytes: number;
}

/** The entry and every file that it imports statically: their bytes, and who they come from, largest first. */
export function staticPart(outputs: Bundle['outputs']): { bytes: number; shares: Share[] } {
  const reached = new Set<string>();
  const visit = (path: string) => {
    const output = outputs[path];
    if (!output || reached.has(path)) return;
    reached.add(path);
    for (const entry of output.imports) if (entry.kind === 'import-statement') visit(entry.path);
  };
  visit(ENTRY_FILE);
  const shares = new Map<string, number>();
  let bytes = 0;
  for (const path of reached) {
    const output = outputs[path]!;
    bytes += output.bytes;
    for (const [input, { bytesInOutput }] of Object.entries(output.inputs)) {
      const owner = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input)?.[1] ?? 'longshore';
      shares.set(owner, (shares.get(owner) ?? 0) + bytesInOutput);
    }
  }
  const largestFirst = [...shares].map(([owner, size]) => ({ owner, bytes: size }));
  return { bytes, shares: largestFirst.sort((a, b) => b.bytes - a.bytes) };
}

/** CPU time of the main thread, not time on the wall: other work of the machine does not stretch it. */
const PROBE = `
const before = process.threadCpuUsage();
await import(process.argv[1]);
const { user, system } = process.threadCpuUsage(before);
process.stdout.write(String((user + system) / 1000), () => process.exit(0));
`;

/**
 * Milliseconds that importing the entry takes, less those of importing an empty module: the median over fresh
 * processes, which take turns so that a slow moment of the machine hits both.
 */
export async function measureImport(files: ZipFiles, processes = 9): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'longshore-bundle-'));
  try {
    await writeFiles(files, folder);
    await writeFile(join(folder, 'empty.mjs'), '');
    const empty: number[] = [];
    const entry: number[] = [];
    for (let round = 0; round < processes; round += 1) {
      empty.push(await importOnce(join(folder, 'empty.mjs')));
      entry.push(await importOnce(join(folder, ENTRY_FILE)));
    }
    return median(entry) - median(empty);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Writes every file below `folder`. */
export async function writeFiles(files: ZipFiles, folder: string): Promise<void> {
  for (const [path, content] of files) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
}

async function importOnce(file: string): Promise<number> {
  const { stdout } = await run(
    process.execPath,
    ['--input-type=module', '-e', PROBE, pathToFileURL(file).href],
    { env: { PATH: process.env.PATH, STORAGE_BUCKET: 'measured', ARTIFACT_BASE_URL: 'measured' } },
  );
  return Number(stdout);
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
