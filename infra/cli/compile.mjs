// Run by `npm ci`: compiles what `longshore up` loads, so that the first start is as quick as every other.
import { mkdirSync } from 'node:fs';
import { COMPILE_CACHE, useCompileCache } from './compile-cache.mjs';

if (process.features.typescript) {
  mkdirSync(COMPILE_CACHE, { recursive: true });
  useCompileCache();
  await import('./up.ts');
  await import('./cli.ts');
  await import('../local/up/up.ts');
  await import('../local/up/demo.ts');
  await import('../local/up/existing-cluster.ts');
  await import('../../shared/kube/kubeconfig-reader.ts');
  // What they load when they need it.
  for (const name of ['@kubernetes/client-node', '@peculiar/x509', 're2js']) await import(name);
}
