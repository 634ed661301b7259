/** The same tests against the embedded control plane and a real kube-apiserver: both must pass (design section 6). */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe } from 'node:test';
import { startApiServer } from '../../infra/local/api-server/api-server.ts';
import { FOREIGN_CRDS, readForeignKinds } from '../../infra/local/api-server/foreign-kinds.ts';
import { KINDS } from '../../shared/api/kinds.ts';
import { type ApiServerInUse, type StartServer, useApiServer } from './api-server.ts';
import { needs } from './parts.ts';

/** Declares the tests once for each server, in a suite that is called after it. */
export function onEveryApiServer(define: (api: ApiServerInUse) => void): void {
  describe('embedded control plane', () => define(useApiServer(startEmbedded)));
  describe('kube-apiserver', needs('kube-apiserver', 'etcd'), () => define(useApiServer()));
}

/** An embedded control plane on a port of its own, with a folder that `stop` removes. */
export const startEmbedded: StartServer = embeddedWith();

/** @param crdFolders CRDs of others beside those that the demo has */
export function embeddedWith(...crdFolders: string[]): StartServer {
  return () => start([FOREIGN_CRDS, ...crdFolders]);
}

async function start(crdFolders: string[]): ReturnType<StartServer> {
  const foreign = await Promise.all(crdFolders.map(readForeignKinds));
  const folder = await mkdtemp(path.join(tmpdir(), 'longshore-cluster-'));
  const server = await startApiServer({
    port: 0,
    dataFolder: path.join(folder, 'data'),
    kinds: [...KINDS, ...foreign.flat()],
  });
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
}
