// Run by `npm ci`: compiles what `longshore up` loads, so that the first start is as quick as every other.
import { mkdirSync } from 'node:fs';
import { COMPILE_CACHE, useCompileCache } from './compile-cache.mjs';

const PARTS = [
  './up.ts',
  './cli.ts',
  '../local/up/up.ts',
  '../local/up/demo.ts',
  '../local/up/existing-cluster.ts',
  '../../shared/kube/kubeconfig-reader.ts',
  // What they load when they need it.
  '@kubernetes/client-node',
  'reflect-metadata',
  '@peculiar/x509',
  're2js',
];

if (process.features.typescript) {
  try {
    mkdirSync(COMPILE_CACHE, { recursive: true });
    useCompileCache();
    for (const part of PARTS) await import(part);
  } catch (error) {
    // Without it everything works, only slower.
    process.stderr.write(`longshore: nothing was compiled ahead: ${error.message}\n`);
  }
}
