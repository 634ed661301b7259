/**
 * An `import` of one of Node's own modules reads all its exports, the lazy ones, too: `WebSocket` of node:http alone
 * loads the whole of undici, 40 ms of a cold start (4 ms without). In a bundle a name is read when it is used.
 */
import { isBuiltin } from 'node:module';
import { relative } from 'node:path';
import type { Plugin } from 'esbuild';
import { PROJECT_FOLDER } from './functions.ts';

const NAMESPACE = 'builtin';

/** Plugin of esbuild: Node's modules as plain objects, which the bundler wraps in getters. */
export const leanBuiltins: Plugin = {
  name: 'lean-builtins',
  setup(build) {
    build.onResolve({ filter: /^(node:)?[a-z_/]+$/ }, ({ path, importer }) =>
      isBuiltin(path)
        ? {
            path: path.replace(/^(node:)?/, 'node:'),
            namespace: NAMESPACE,
            sideEffects: false,
            // A copy for each importer: one for all would be a chunk, and ten files of a line are slow to find and read.
            suffix: `?${relative(PROJECT_FOLDER, importer)}`,
          }
        : undefined,
    );
    build.onLoad({ filter: /.*/, namespace: NAMESPACE }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule('${path}');`,
    }));
  },
};
