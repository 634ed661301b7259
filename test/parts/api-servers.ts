/** The same tests against the embedded control plane and a real kube-apiserver: both must pass (design section 6). */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe } from 'node:test';
import { startApiServer } from '../../infra/local/api-server/api-server.ts';
import { type ApiServerInUse, type StartServer, useApiServer } from './api-server.ts';
import { needs } from './parts.ts';

/** Declares the tests once for each server, in a suite that is called after it. */
export function onEveryApiServer(define: (api: ApiServerInUse) => void): void {
  describe('embedded control plane', () => define(useApiServer(startEmbedded)));
  describe('kube-apiserver', needs('kube-apiserver', 'etcd'), () => define(useApiServer()));
}

/** An embedded control plane on a port of its own, with a folder that `stop` removes. */
export const startEmbedded: StartServer = async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'longshore-cluster-'));
  const server = await startApiServer({ port: 0, dataFolder: path.join(folder, 'data') });
  const kubeconfig = path.join(folder, 'kubeconfig');
  await writeFile(kubeconfig, server.kubeconfig, { mode: 0o600 });
  return {
    endpoint: server.endpoint,
    kubeconfig,
    async stop() {
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
};
