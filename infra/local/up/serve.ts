/** Relay and functions in this process, for one cluster: what `longshore up` runs, on the demo's cluster or another. */
import { mkdir } from 'node:fs/promises';
import type { KubeClient } from '../../../shared/kube/client.ts';
import { createKubeClient } from '../../../shared/kube/rest-client.ts';
import type { KubeTransport } from '../../../shared/kube/transport.ts';
import { type ClusterEndpoint, createTransport } from '../../../shared/kube/transport.ts';
import type { Clock } from '../../../shared/runtime/clock.ts';
import type { Logger } from '../../../shared/runtime/logger.ts';
import type { Settings } from '../../../shared/runtime/settings.ts';
import { createDirectoryStore } from '../../../shared/storage/directory.ts';
import { createArtifactServer } from '../../relay/artifact-server.ts';
import { createInProcessTarget } from '../../relay/dispatch-in-process.ts';
import { RELAY_KINDS } from '../../relay/kinds.ts';
import { type Relay, startRelay } from '../../relay/relay.ts';
import { startServer } from '../../relay/server.ts';
import { processFunctions } from './process-functions.ts';

/** One cluster, connected. */
export interface Cluster {
  endpoint: ClusterEndpoint;
  transport: KubeTransport;
  kube: KubeClient;
}

export function connectCluster(endpoint: ClusterEndpoint): Cluster {
  const transport = createTransport(endpoint);
  return { endpoint, transport, kube: createKubeClient(transport) };
}

/** Everything that serves one cluster. */
export interface Serving {
  /** For whoever asks it how far it is. */
  relay: Relay;
  /** Where artifacts are served here. */
  artifactUrl: string;
  /** Stops all of them, in an order that loses nothing. */
  stop(): Promise<void>;
}

/**
 * Starts relay, functions and the server of health, metrics and artifacts.
 * @param store folder of the object store; made when missing
 * @throws Error that names the setting when an address cannot be had
 */
export async function serveCluster(options: {
  cluster: Cluster;
  settings: Settings;
  store: string;
  clock: Clock;
  log: Logger;
}): Promise<Serving> {
  const { cluster, clock, log } = options;
  const { kube, transport } = cluster;
  await mkdir(options.store, { recursive: true });
  const store = createDirectoryStore(options.store);
  const environment = { connect: () => kube, store, clock, log, logFailures: false };
  let relay: Relay | undefined;
  // First of all: artifacts are at the address that is had now, where no other base is set.
  const server = await startServer(
    {
      ready: () => relay?.ready() ?? false,
      metrics: async function* () {
        if (relay) yield* relay.metrics();
      },
      artifacts: createArtifactServer({ store, cluster: options.settings['cluster-id'], clock, log }),
    },
    options.settings,
  );
  const settings: Settings = {
    ...options.settings,
    'artifact-base-url': options.settings['artifact-base-url'] || server.artifactUrl!,
  };
  relay = startRelay({
    transport,
    kube,
    kinds: RELAY_KINDS,
    target: createInProcessTarget({
      handlers: processFunctions(settings, environment),
      concurrent: settings.concurrent,
      clock,
    }),
    access: () => ({ provider: 'kubeconfig' }),
    store,
    settings,
    clock,
    random: Math.random,
    log,
  });
  return {
    relay,
    artifactUrl: server.artifactUrl!,
    async stop() {
      await relay.stop();
      await server.close();
    },
  };
}
