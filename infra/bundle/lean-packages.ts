/**
 * Parts of packages that no function uses, but that are read at every cold start because the package requires them
 * itself: pino's worker threads, its several streams and its redaction (ours scrubs whole texts), and all of our
 * manifest but the version. What is used after all says so.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Plugin } from 'esbuild';
import { PROJECT_FOLDER } from './functions.ts';

const UNUSED = /[\\/]node_modules[\\/]pino[\\/]lib[\\/](transport|multistream|redaction)\.js$/;
const PINO = /[\\/]node_modules[\\/]pino[\\/]/;
const MANIFEST = join(PROJECT_FOLDER, 'package.json');

/** Plugin of esbuild. */
export const leanPackages: Plugin = {
  name: 'lean-packages',
  setup(build) {
    build.onLoad({ filter: UNUSED }, ({ path }) => {
      const part = path.replace(/.*node_modules./, '');
      return {
        contents: `module.exports = () => { throw new Error(${JSON.stringify(`${part} is left out of bundles`)}); };`,
      };
    });
    // pino asks whether it runs in the main thread. Functions do; to ask loads all that starts workers.
    build.onResolve({ filter: /^worker_threads$/ }, ({ importer }) =>
      PINO.test(importer) ? { path: 'main-thread', namespace: 'lean-packages' } : undefined,
    );
    build.onLoad({ filter: /.*/, namespace: 'lean-packages' }, () => ({
      contents: 'exports.isMainThread = true;',
    }));
    build.onLoad({ filter: /[\\/]package\.json$/ }, ({ path }) => {
      if (path !== MANIFEST) return undefined;
      const { version } = JSON.parse(readFileSync(path, 'utf8')) as { version: string };
      return { contents: JSON.stringify({ version }), loader: 'json' };
    });
  },
};
