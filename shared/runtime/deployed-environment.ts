/** The environment of a function in the cloud account: cluster by token, objects in a bucket. */
import { createHash } from 'node:crypto';
import type { KubeClient } from '../kube/client.ts';
import { endpointFromEks } from '../kube/eks-access.ts';
import { createKubeClient } from '../kube/rest-client.ts';
import { endpointFromAccess } from '../kube/token-access.ts';
import { type ClusterEndpoint, createTransport, type KubeTransport } from '../kube/transport.ts';
import { createS3Store } from '../storage/s3.ts';
import { systemClock } from './clock.ts';
import type { ClusterAccess } from './contract.ts';
import type { FunctionEnvironment } from './environment.ts';
import { createLogger } from './logger.ts';
import { environmentName, readSettings, type SettingName, type Settings, SettingsError } from './settings.ts';

/** Accesses whose connections are kept. A function serves one cluster, and its token changes a few times an hour. */
const KEPT_CONNECTIONS = 4;

/**
 * Settings and environment of this process. Nothing is connected and no SDK loaded before the first run needs it.
 * @param needed settings beside the bucket without which the function cannot work
 * @throws SettingsError when the function is not configured: the cold start fails with a line for every problem
 */
export function deployedEnvironment(
  needed: readonly SettingName[] = [],
  variables: Record<string, string | undefined> = process.env,
): { settings: Settings; environment: FunctionEnvironment } {
  const settings = readSettings('functions', [], variables);
  const missing = (['storage-bucket', ...needed] as const).filter((name) => !settings[name]);
  if (missing.length > 0)
    throw new SettingsError(missing.map((name) => `${environmentName(name)}: is not set`));
  const environment: FunctionEnvironment = {
    connect: createConnections(variables),
    store: createS3Store({
      bucket: settings['storage-bucket'],
      prefix: settings['storage-prefix'],
      endpoint: settings['storage-endpoint'] || undefined,
    }),
    clock: systemClock,
    log: createLogger(settings['log-level']),
    logFailures: true,
  };
  return { settings, environment };
}

/** Connections by access: an invocation that brings the token of the one before finds its sockets open. */
function createConnections(
  variables: Record<string, string | undefined>,
): (access: ClusterAccess) => KubeClient {
  const kept = new Map<string, { transport: KubeTransport; kube: KubeClient }>();
  return (access) => {
    const key = createHash('sha256').update(JSON.stringify(access)).digest('base64');
    const known = kept.get(key);
    if (known) return known.kube;
    const transport = createTransport(endpointOf(access, variables));
    const kube = createKubeClient(transport);
    kept.set(key, { transport, kube });
    for (const [oldest, { transport: unused }] of kept) {
      if (kept.size <= KEPT_CONNECTIONS) break;
      kept.delete(oldest);
      unused.close();
    }
    return kube;
  };
}

function endpointOf(access: ClusterAccess, variables: Record<string, string | undefined>): ClusterEndpoint {
  switch (access.provider) {
    case 'token':
      return endpointFromAccess(access);
    case 'eks':
      return endpointFromEks(access, variables, systemClock);
    default:
      throw new Error(
        `a deployed function knows no cluster by itself: it cannot use access '${access.provider}'`,
      );
  }
}
