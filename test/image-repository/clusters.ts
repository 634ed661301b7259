/** The API servers that the tests of a kind run against: one in memory, ours over HTTPS, and a real one. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startApiServer } from '../../infra/local/api-server/api-server.ts';
import type { KubeClient } from '../../shared/kube/client.ts';
import { type StartServer, useApiServer } from '../parts/api-server.ts';
import { needs } from '../parts/parts.ts';
import { createFakeCluster } from './fake-cluster.ts';

export interface TestCluster {
  name: string;
  options: { skip: string | false };
  /** How many objects make many. */
  many: number;
  /** To be called in a suite: it runs for the tests of that suite. */
  use(): { readonly kube: KubeClient };
}

export const CLUSTERS: TestCluster[] = [
  {
    name: 'a cluster in memory',
    options: { skip: false },
    many: 1000,
    use: () => ({ kube: createFakeCluster() }),
  },
  {
    name: 'the embedded control plane',
    options: { skip: false },
    many: 100,
    use: () => useApiServer(startEmbedded),
  },
  {
    name: 'a real kube-apiserver',
    options: needs('kube-apiserver', 'etcd'),
    many: 100,
    use: () => useApiServer(),
  },
];

const startEmbedded: StartServer = async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'longshore-plane-'));
  const server = await startApiServer({ port: 0, dataFolder: folder });
  const kubeconfig = path.join(folder, 'kubeconfig');
  await writeFile(kubeconfig, server.kubeconfig);
  return {
    endpoint: server.endpoint,
    kubeconfig,
    async stop() {
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
};
