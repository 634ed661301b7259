/** How functions in the cloud account reach the cluster: a token that the relay mints for them (design section 4). */
import { readFileSync } from 'node:fs';
import type { KubeClient } from '../../shared/kube/client.ts';
import { createTokenMint } from '../../shared/kube/token-access.ts';
import type { ClusterEndpoint } from '../../shared/kube/transport.ts';
import type { Clock } from '../../shared/runtime/clock.ts';
import type { ClusterAccess } from '../../shared/runtime/contract.ts';

/** The ServiceAccount of the functions, beside the relay's own. The chart makes both. */
export const FUNCTIONS_ACCOUNT = 'longshore-functions';

/** A batch may take five minutes: what is handed out last must live longer. */
const TOKEN_SECONDS = 3600;

const NAMESPACE_FILE = '/var/run/secrets/kubernetes.io/serviceaccount/namespace';

const DEFAULT_NAMESPACE = 'longshore-system';

/**
 * Gives the access for a batch; a token serves many, and is good for this API server only.
 * @param options.endpoint the cluster as the relay reaches it: address and CA go to the functions, credentials do not
 */
export function createClusterAccess(
  options: { kube: KubeClient; endpoint: ClusterEndpoint; namespace: string; clock: Clock },
  signal: AbortSignal,
): () => Promise<ClusterAccess> {
  const { kube, endpoint, namespace, clock } = options;
  const mint = createTokenMint(kube, clock, {
    namespace,
    serviceAccount: FUNCTIONS_ACCOUNT,
    seconds: TOKEN_SECONDS,
  });
  return async () => ({
    provider: 'token',
    server: endpoint.server,
    ...(endpoint.ca && { caData: endpoint.ca }),
    token: await mint(signal),
  });
}

/** The namespace of this pod; outside of one the chart's default. */
export function ownNamespace(): string {
  try {
    return readFileSync(NAMESPACE_FILE, 'utf8').trim();
  } catch {
    return DEFAULT_NAMESPACE;
  }
}
