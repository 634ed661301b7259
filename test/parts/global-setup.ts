/**
 * `node --test --test-global-setup=test/parts/global-setup.ts`: one real API server for all test files of a run. They
 * learn of it through the environment; a file that runs alone starts its own.
 */

import { SHARED_KUBECONFIG } from './api-server.ts';
import { type KubeApiServer, startKubeApiServer } from './kube-api-server.ts';
import { part } from './parts.ts';

let server: KubeApiServer | undefined;

export async function globalSetup(): Promise<void> {
  if (!part('kube-apiserver') || !part('etcd')) return;
  server = await startKubeApiServer();
  process.env[SHARED_KUBECONFIG] = server.kubeconfig;
}

export async function globalTeardown(): Promise<void> {
  await server?.stop();
}
