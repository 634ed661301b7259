/** The API servers that the tests of a kind run against: one in memory, and every real one that there is. */
import type { KubeClient } from '../../shared/kube/client.ts';
import { createKubeClient } from '../../shared/kube/rest-client.ts';
import { type ClusterEndpoint, createTransport } from '../../shared/kube/transport.ts';
import { startKubeApiServer } from '../parts/kube-api-server.ts';
import { needs } from '../parts/parts.ts';
import { createFakeCluster } from './fake-cluster.ts';

export interface OpenCluster {
  kube: KubeClient;
  close(): Promise<void>;
}

export interface TestCluster {
  name: string;
  options: { skip: string | false };
  /** How many objects make many. */
  many: number;
  open(): Promise<OpenCluster>;
}

export const CLUSTERS: TestCluster[] = [
  {
    name: 'a cluster in memory',
    options: { skip: false },
    many: 1000,
    open: async () => ({ kube: createFakeCluster(), close: async () => {} }),
  },
  {
    name: 'a real kube-apiserver',
    options: needs('kube-apiserver', 'etcd'),
    many: 200,
    async open() {
      const server = await startKubeApiServer();
      return connect(server.endpoint, () => server.stop());
    },
  },
];

function connect(endpoint: ClusterEndpoint, stop: () => Promise<void>): OpenCluster {
  const transport = createTransport(endpoint);
  return {
    kube: createKubeClient(transport),
    async close() {
      transport.close();
      await stop();
    },
  };
}
