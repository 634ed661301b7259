/** A real kube-apiserver for the tests of a suite. */
import { after, before } from 'node:test';
import type { KubeClient } from '../../shared/kube/client.ts';
import { loadKubeconfig } from '../../shared/kube/kubeconfig.ts';
import { NAMESPACES } from '../../shared/kube/resource.ts';
import { createKubeClient } from '../../shared/kube/rest-client.ts';
import { type ClusterEndpoint, createTransport, type KubeTransport } from '../../shared/kube/transport.ts';
import { type KubeApiServer, startKubeApiServer } from './kube-api-server.ts';

/** Set by `global-setup.ts`: kubeconfig of the server that all test files of a run share. */
export const SHARED_KUBECONFIG = 'LONGSHORE_TEST_KUBECONFIG';

/** An API server as tests use it. Its members can be read inside of tests and hooks, not while a suite is declared. */
export interface ApiServerInUse {
  /** The administrator's access. */
  readonly endpoint: ClusterEndpoint;
  /** Path of a kubeconfig file with the same access. */
  readonly kubeconfig: string;
  /** A client with the administrator's access. */
  readonly kube: KubeClient;
  readonly transport: KubeTransport;
  /** Makes a namespace that no other test uses. */
  createNamespace(): Promise<string>;
}

/** How a kind of server is brought up. `stop` ends only what this file started. */
export type StartServer = () => Promise<{
  endpoint: ClusterEndpoint;
  kubeconfig: string;
  stop(): Promise<void>;
}>;

/**
 * Declares that the suite (or file) around the call needs a real API server: it runs from before the first to after the
 * last test. Guard the suite with `needs('kube-apiserver', 'etcd')`.
 */
export function useApiServer(start: StartServer = startSharedOrOwn): ApiServerInUse {
  let server: KubeApiServer;
  let transport: KubeTransport;
  let kube: KubeClient;
  before(async () => {
    server = await start();
    transport = createTransport(server.endpoint);
    kube = createKubeClient(transport);
  });
  after(async () => {
    transport?.close();
    await server?.stop();
  });
  return {
    get endpoint() {
      return server.endpoint;
    },
    get kubeconfig() {
      return server.kubeconfig;
    },
    get kube() {
      return kube;
    },
    get transport() {
      return transport;
    },
    async createNamespace() {
      const { metadata } = await kube.create<{ metadata: { name: string } }>(
        NAMESPACES,
        {},
        {
          metadata: { generateName: 'test-' },
        },
      );
      return metadata.name;
    },
  };
}

async function startSharedOrOwn(): ReturnType<StartServer> {
  const kubeconfig = process.env[SHARED_KUBECONFIG];
  if (!kubeconfig) return startKubeApiServer();
  return { endpoint: await loadKubeconfig({ file: kubeconfig }), kubeconfig, stop: async () => {} };
}
