/**
 * Bundles what is deployed. A function for Lambda is `handler.mjs` with what it imports statically, and a chunk for everything that it
 * imports lazily (AWS clients, proxies), so that a cold start reads only what every run needs (design section 11).
 */
import { basename, join, relative } from 'node:path';
import { build, type Metafile } from 'esbuild';
import { type FunctionSource, PROJECT_FOLDER } from './functions.ts';
import { leanBuiltins } from './lean-builtins.ts';
import { leanPackages } from './lean-packages.ts';
import type { ZipFiles } from './zip.ts';

/** Name of the entry in the zip; the handler of every function in `serverless.yml` is `handler.handler`. */
export const ENTRY_FILE = 'handler.mjs';

export interface Bundle {
  files: ZipFiles;
  /** What went into which file; paths of `files`. */
  outputs: Metafile['outputs'];
}

/**
 * The bundle of a function. Equal sources give equal files.
 * @throws esbuild's BuildFailure, which names file and line; Error when the source exports no `handler`
 */
export async function bundleFunction(source: Pick<FunctionSource, 'entry'>): Promise<Bundle> {
  const bundle = await bundleEntry(source.entry, ENTRY_FILE);
  if (!bundle.outputs[ENTRY_FILE]?.exports.includes('handler')) {
    throw new Error(`${relative(PROJECT_FOLDER, source.entry)} exports no handler`);
  }
  return bundle;
}

/**
 * What runs on bare Node from `entry` on: a file of the given name and the chunks that it imports lazily.
 * @throws esbuild's BuildFailure
 */
export async function bundleEntry(entry: string, fileName: string): Promise<Bundle> {
  const outdir = join(PROJECT_FOLDER, 'dist');
  const result = await build({
    entryPoints: { [basename(fileName, '.mjs')]: entry },
    absWorkingDir: PROJECT_FOLDER,
    outdir,
    write: false,
    metafile: true,
    bundle: true,
    splitting: true,
    minify: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    outExtension: { '.js': '.mjs' },
    chunkNames: 'chunks/[name]-[hash]',
    // The ES module form of a package, where it has one, is the form of which unused parts can be left out.
    mainFields: ['module', 'main'],
    plugins: [leanPackages, leanBuiltins],
    legalComments: 'none',
    logLevel: 'silent',
  });
  const within = (path: string) => relative(outdir, path).replaceAll('\\', '/');
  const outputs: Metafile['outputs'] = {};
  for (const [path, output] of Object.entries(result.metafile.outputs)) {
    const imports = output.imports.map((each) => ({
      ...each,
      path: each.external ? each.path : within(join(PROJECT_FOLDER, each.path)),
    }));
    outputs[within(join(PROJECT_FOLDER, path))] = { ...output, imports };
  }
  return {
    files: new Map(result.outputFiles.map((file) => [within(file.path), file.contents])),
    outputs,
  };
}
