/** The relay's pod: reads the settings, connects to cluster and functions, and runs until SIGTERM. */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { loadInCluster } from '../../shared/kube/in-cluster.ts';
import { createKubeClient } from '../../shared/kube/rest-client.ts';
import { type ClusterEndpoint, createTransport } from '../../shared/kube/transport.ts';
import { sleep, systemClock } from '../../shared/runtime/clock.ts';
import { messageOf } from '../../shared/runtime/errors.ts';
import { createLogger } from '../../shared/runtime/logger.ts';
import { redact } from '../../shared/runtime/redact.ts';
import { RELEASE } from '../../shared/runtime/release.ts';
import { readSettings, type Settings, SettingsError } from '../../shared/runtime/settings.ts';
import type { ObjectStore } from '../../shared/storage/object-store.ts';
import { createArtifactServer } from './artifact-server.ts';
import { createClusterAccess, ownNamespace } from './cluster-access.ts';
import { createLambdaTarget } from './dispatch-lambda.ts';
import { RELAY_KINDS } from './kinds.ts';
import { startRelay } from './relay.ts';
import { type RelayServer, startServer } from './server.ts';
import { preferSmallHeap } from './small-heap.ts';

/** Artifacts read from the bucket at the same time: slow readers of some must not keep others waiting. */
const DOWNLOADS = 1000;

/** The nodes of a cluster send consumers to a pod for so long after they were told that it goes. */
const SERVE_ON_MS = 3000;

/** A relay that was started from a command line. */
export interface Running {
  /** Where it answers by HTTP. */
  server: Pick<RelayServer, 'healthUrl' | 'metricsUrl' | 'artifactUrl'>;
  stop(): Promise<void>;
}

/**
 * Starts what the settings say.
 * @param args command line without node and script
 * @throws Error with one line for each thing that is wrong: settings, cluster access, addresses
 */
export async function start(
  args: string[],
  environment: Record<string, string | undefined>,
): Promise<Running> {
  const settings = readSettings('relay', args, environment);
  const log = createLogger(settings['log-level']);
  const clock = systemClock;
  const endpoint = await findCluster(settings, environment);
  const namespace = ownNamespace(settings['service-account-folder']);
  const transport = createTransport(endpoint);
  const kube = createKubeClient(transport);
  const stopped = new AbortController();
  const store = await openStore(settings);
  const kinds = RELAY_KINDS.filter(({ group }) => settings['api-groups'].includes(group));
  const relay = startRelay({
    transport,
    kube,
    kinds,
    // The target `http` (any FaaS) will be a setting that chooses between the two.
    target: createLambdaTarget({
      prefix: settings['lambda-function-prefix'],
      endpoint: settings['lambda-endpoint'],
      maxSockets: settings.concurrent * kinds.length,
    }),
    access: createClusterAccess({ kube, endpoint, namespace, settings, clock }, stopped.signal),
    store,
    ...(settings['enable-leader-election'] && {
      election: {
        lease: { namespace, name: settings['leader-election-id'] },
        // A container that starts again in the same pod is another relay.
        identity: `${hostname()}_${randomUUID()}`,
        uptime: () => performance.now(),
      },
    }),
    settings,
    clock,
    random: Math.random,
    log,
  });
  const close = async () => {
    await relay.stop();
    stopped.abort(new Error('the relay stops'));
    transport.close();
  };
  let stopping = false;
  const served = {
    ...relay,
    ready: () => !stopping && relay.ready(),
    ...(store && { artifacts: createArtifactServer({ store, cluster: settings['cluster-id'], clock, log }) }),
  };
  const server = await startServer(served, settings).catch(async (error) => {
    await close();
    throw error;
  });
  log.info('relay started', { release: RELEASE, server: endpoint.server });
  return {
    server,
    async stop() {
      log.info('stopping: finishing what goes on');
      stopping = true;
      const forgotten = store && sleep(clock, SERVE_ON_MS);
      await close();
      await forgotten;
      await server.close();
      log.info('stopped');
    },
  };
}

/** In a pod its ServiceAccount, unless `KUBECONFIG` says otherwise. */
async function findCluster(
  settings: Settings,
  environment: Record<string, string | undefined>,
): Promise<ClusterEndpoint> {
  if (!environment.KUBECONFIG) return loadInCluster(settings['service-account-folder'], environment);
  const { loadKubeconfig } = await import('../../shared/kube/kubeconfig.ts');
  return loadKubeconfig({ environment });
}

/** Where the functions keep tag records and artifacts: to serve, and to sweep. Without a bucket there is none. */
async function openStore(settings: Settings): Promise<ObjectStore | undefined> {
  if (!settings['storage-bucket']) return undefined;
  const { createS3Store } = await import('../../shared/storage/s3.ts');
  return createS3Store({
    bucket: settings['storage-bucket'],
    prefix: settings['storage-prefix'],
    endpoint: settings['storage-endpoint'] || undefined,
    maxSockets: DOWNLOADS,
  });
}

function fail(error: unknown): never {
  for (const line of messagesOf(error)) process.stderr.write(`relay: ${redact(line)}\n`);
  process.exit(1);
}

/** Settings may be wrong in several ways at once: a line each. */
function messagesOf(error: unknown): string[] {
  return error instanceof SettingsError ? error.message.split('\n') : [messageOf(error)];
}

if (import.meta.main) {
  preferSmallHeap();
  process.on('uncaughtException', fail);
  process.on('unhandledRejection', fail);
  const running = await start(process.argv.slice(2), process.env).catch(fail);
  let stopping = false;
  const stop = async () => {
    // A second signal is the same one, passed on by a shell.
    if (stopping) return;
    stopping = true;
    await running.stop();
    process.exit(0);
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}
