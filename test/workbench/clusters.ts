/** The API servers that the tests of a kind run against: one in memory, ours over HTTPS, and a real one. */
import type { KubeClient } from '../../shared/kube/client.ts';
import { useApiServer } from '../parts/api-server.ts';
import { startEmbedded } from '../parts/api-servers.ts';
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
