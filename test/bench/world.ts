/** The cluster and the registry of a benchmark: real ones where their programs exist, else the embedded ones. */

import { startRegistry } from '../../infra/local/registry/registry.ts';
import type { KubeClient } from '../../shared/kube/client.ts';
import { createKubeClient } from '../../shared/kube/rest-client.ts';
import { type ClusterEndpoint, createTransport, type KubeTransport } from '../../shared/kube/transport.ts';
import { startEmbedded } from '../parts/api-servers.ts';
import { startDistribution } from '../parts/distribution.ts';
import { startKubeApiServer } from '../parts/kube-api-server.ts';
import { part } from '../parts/parts.ts';
import { pushImage, pushTags } from '../parts/push-tags.ts';
import { benchArtifact, REPOSITORIES } from './kinds.ts';

export interface World {
  /** Which API server and which registry these are. */
  description: string;
  kube: KubeClient;
  transport: KubeTransport;
  /** Path of a file. */
  kubeconfig: string;
  /** `127.0.0.1:PORT`. */
  registry: string;
  /** Requests that the registry has answered so far. */
  registryRequests(): Promise<number>;
  stop(): Promise<void>;
}

interface Cluster {
  name: string;
  endpoint: ClusterEndpoint;
  kubeconfig: string;
  stop(): Promise<void>;
}

type Registry = Pick<World, 'registry' | 'registryRequests' | 'stop'> & { name: string };

/** @param tags how many tags each of the repositories `bench/app-N` has: `1.0.0`, `1.0.1`, … */
export async function startWorld({ tags }: { tags: number }): Promise<World> {
  const names = Array.from({ length: tags }, (_, index) => `1.0.${index}`);
  const [cluster, registry] = await Promise.all([
    part('kube-apiserver') && part('etcd') ? startRealCluster() : startEmbeddedCluster(),
    part('registry') ? startRealRegistry(names) : startEmbeddedRegistry(names),
  ]);
  const transport = createTransport(cluster.endpoint);
  return {
    description: `${cluster.name}, ${registry.name}`,
    kube: createKubeClient(transport),
    transport,
    kubeconfig: cluster.kubeconfig,
    registry: registry.registry,
    registryRequests: registry.registryRequests,
    async stop() {
      transport.close();
      await Promise.all([cluster.stop(), registry.stop()]);
    },
  };
}

async function startRealCluster(): Promise<Cluster> {
  return { name: 'kube-apiserver', ...(await startKubeApiServer()) };
}

async function startEmbeddedCluster(): Promise<Cluster> {
  return { name: 'embedded control plane', ...(await startEmbedded()) };
}

async function startRealRegistry(tags: string[]): Promise<Registry> {
  const registry = await startDistribution({ metrics: true });
  for (let index = 0; index < REPOSITORIES; index++) {
    await pushTags(registry.url, `bench/app-${index}`, tags);
    await pushImage(registry.url, `bench/artifact-${index}`, ['latest'], benchArtifact(index));
  }
  return {
    name: 'CNCF Distribution',
    registry: registry.host,
    async registryRequests() {
      const text = await (await fetch(registry.metricsUrl!)).text();
      const counts = text.matchAll(/^registry_http_requests_total\{[^}]*\} (\d+)/gm);
      return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
    },
    stop: registry.stop,
  };
}

async function startEmbeddedRegistry(tags: string[]): Promise<Registry> {
  const registry = await startRegistry({ port: 0 });
  for (let index = 0; index < REPOSITORIES; index++) {
    await registry.push(`bench/app-${index}`, tags);
    await registry.push(`bench/artifact-${index}`, 'latest', benchArtifact(index));
  }
  return {
    name: 'embedded registry',
    registry: registry.host,
    registryRequests: async () => registry.requests.count(),
    stop: () => registry.close(),
  };
}
