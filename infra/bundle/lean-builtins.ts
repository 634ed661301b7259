/**
 * An `import` of one of Node's own modules reads all its exports, the lazy ones, too: `WebSocket` of node:http alone
 * loads the whole of undici, 40 ms of a cold start (4 ms without). In a bundle only the names that are used are read.
 */
import { isBuiltin } from 'node:module';
import { relative } from 'node:path';
import type { Plugin } from 'esbuild';
import { PROJECT_FOLDER } from './functions.ts';

const NAMESPACE = 'builtin';

/** Plugin of esbuild: Node's modules as what `process.getBuiltinModule` answers. */
export const leanBuiltins: Plugin = {
  name: 'lean-builtins',
  setup(build) {
    build.onResolve({ filter: /^(node:)?[a-z0-9_/]+$/ }, ({ path, importer, kind }) =>
      isBuiltin(path)
        ? {
            path: path.replace(/^(node:)?/, 'node:'),
            namespace: NAMESPACE,
            sideEffects: false,
            // A copy for each importer: one for all would be a chunk, and ten files of a line are slow to find and read.
            suffix: `?${relative(PROJECT_FOLDER, importer)}`,
            pluginData: kind === 'import-statement' ? moduleOf : objectOf,
          }
        : undefined,
    );
    build.onLoad({ filter: /.*/, namespace: NAMESPACE }, ({ path, pluginData }) => ({
      contents: (pluginData as (path: string) => string)(path),
    }));
  },
};

/** For `require` and `import()`, which get the whole object. */
function objectOf(path: string): string {
  return `module.exports = process.getBuiltinModule('${path}');`;
}

/** For `import`: of an ES module the bundler leaves out every name that the importer does not use. */
function moduleOf(path: string): string {
  const names = Object.keys(process.getBuiltinModule(path)!).filter((name) => name !== 'default');
  return [
    `const all = /* @__PURE__ */ process.getBuiltinModule('${path}');`,
    'export default all;',
    ...names.map(
      (name, at) => `const one${at} = /* @__PURE__ */ (() => all.${name})(); export { one${at} as ${name} };`,
    ),
  ].join('\n');
}
