/** How functions in the cloud account reach the cluster: a token that the relay mints for them (design section 4). */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { KubeClient } from '../../shared/kube/client.ts';
import { createTokenMint } from '../../shared/kube/token-access.ts';
import type { ClusterEndpoint } from '../../shared/kube/transport.ts';
import type { Clock } from '../../shared/runtime/clock.ts';
import type { ClusterAccess } from '../../shared/runtime/contract.ts';
import { messageOf } from '../../shared/runtime/errors.ts';
import type { Settings } from '../../shared/runtime/settings.ts';

/** A batch may take five minutes: what is handed out last must live longer. */
const TOKEN_SECONDS = 3600;

const DEFAULT_NAMESPACE = 'longshore-system';

/** `--functions-api-ca-file` for an address whose certificate everybody trusts. */
const SYSTEM_ROOTS = 'system';

export interface ClusterAccessOptions {
  kube: KubeClient;
  /** The cluster as the relay reaches it: address and CA go to the functions, credentials do not. */
  endpoint: ClusterEndpoint;
  /** Of the functions' ServiceAccount. */
  namespace: string;
  settings: Pick<Settings, 'functions-service-account' | 'functions-api-server' | 'functions-api-ca-file'>;
  clock: Clock;
}

/**
 * Gives the access for a batch; a token serves many, and is good for this API server only.
 * @throws Error that names the setting when its CA file cannot be read
 */
export function createClusterAccess(
  { kube, endpoint, namespace, settings, clock }: ClusterAccessOptions,
  signal: AbortSignal,
): () => Promise<ClusterAccess> {
  const server = settings['functions-api-server'] || endpoint.server;
  const caData = authorityOf(settings['functions-api-ca-file'], endpoint);
  const mint = createTokenMint(kube, clock, {
    namespace,
    serviceAccount: settings['functions-service-account'],
    seconds: TOKEN_SECONDS,
  });
  return async () => ({
    provider: 'token',
    server,
    ...(caData && { caData }),
    token: await mint(signal),
  });
}

function authorityOf(file: string, endpoint: ClusterEndpoint): string | undefined {
  if (file === '') return endpoint.ca;
  if (file === SYSTEM_ROOTS) return undefined;
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Error(`--functions-api-ca-file: ${messageOf(error)}`, { cause: error });
  }
}

/** The namespace of this pod; outside of one the chart's default. @param folder of the ServiceAccount's files */
export function ownNamespace(folder: string): string {
  try {
    return readFileSync(path.join(folder, 'namespace'), 'utf8').trim();
  } catch {
    return DEFAULT_NAMESPACE;
  }
}
