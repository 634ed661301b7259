/**
 * `npm run package`: a zip of every function in dist/, the CloudFormation template in .serverless/, and what a cold
 * start of each costs. Needs neither network nor credentials. Arguments go on to osls (`--stage`, `--region`,
 * `--param`). Exits with 1 when a zip is larger than its goal or slower by far, or when osls refuses serverless.yml.
 */
import { spawnSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, relative } from 'node:path';
import { messageOf } from '../../shared/runtime/errors.ts';
import { type Bundle, bundleFunction } from './bundle.ts';
import { budgetOf, measureImport, staticPart } from './cold-start.ts';
import { type FunctionSource, listFunctions, PROJECT_FOLDER } from './functions.ts';
import { createZip } from './zip.ts';

/** Bytes are the same everywhere; milliseconds are not: only a multiple of the goal fails. */
const IMPORT_SLACK = 3;

/** Makes the zip of a function, where `serverless.yml` looks for it. */
export async function writeZip(source: FunctionSource): Promise<{ bundle: Bundle; zip: Buffer }> {
  const bundle = await bundleFunction(source);
  const zip = createZip(bundle.files);
  await mkdir(dirname(source.artifact), { recursive: true });
  await writeFile(source.artifact, zip);
  return { bundle, zip };
}

/** Builds one zip and prints its line. Answers whether its cold start is within the goals. */
async function packageFunction(source: FunctionSource): Promise<boolean> {
  const { bundle, zip } = await writeZip(source);
  const goal = budgetOf(source.name);
  const { bytes, shares } = staticPart(bundle.outputs);
  const importMs = await measureImport(bundle.files);
  const small = bytes <= goal.bytes;
  const quick = importMs <= goal.importMs * IMPORT_SLACK;
  print(`${relative(PROJECT_FOLDER, source.artifact)}  ${kilobytes(zip.length)}, ${bundle.files.size} files`);
  print(
    `  cold start reads ${kilobytes(bytes)} (goal ${kilobytes(goal.bytes)})${small ? '' : ': TOO LARGE'}`,
  );
  print(
    `  import takes ${importMs.toFixed(1)} ms over bare Node (goal ${goal.importMs} ms)${
      importMs <= goal.importMs ? '' : quick ? ': slower than the goal' : ': TOO SLOW'
    }`,
  );
  const largest = shares.slice(0, 8).map(({ owner, bytes: size }) => `${owner} ${kilobytes(size)}`);
  print(`  most of it: ${largest.join(', ')}`);
  return small && quick;
}

/** The template of what was built. Answers whether osls accepted `serverless.yml`. */
function writeTemplate(args: string[]): boolean {
  const osls = createRequire(import.meta.url).resolve('serverless/bin/serverless.js');
  const { status } = spawnSync(process.execPath, [osls, 'package', ...args], {
    cwd: PROJECT_FOLDER,
    stdio: 'inherit',
  });
  return status === 0;
}

function kilobytes(bytes: number): string {
  return `${(bytes / 1000).toFixed(1)} KB`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

if (import.meta.main) {
  try {
    let good = true;
    for (const source of listFunctions()) good = (await packageFunction(source)) && good;
    if (!writeTemplate(process.argv.slice(2)) || !good) process.exitCode = 1;
  } catch (error) {
    process.stderr.write(`package: ${messageOf(error)}\n`);
    process.exitCode = 1;
  }
}
