/**
 * How functions in the cloud account reach the cluster: with a token that the relay mints for each of them, or, at EKS,
 * with their own roles (design section 4).
 */
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
  /** Of the functions' ServiceAccounts. */
  namespace: string;
  settings: Pick<
    Settings,
    'functions-service-account-prefix' | 'functions-api-server' | 'functions-api-ca-file' | 'eks-cluster'
  >;
  clock: Clock;
}

/** The access that a batch of a function carries. */
export type AccessOf = (functionName: string) => ClusterAccess | Promise<ClusterAccess>;

/**
 * Gives the access for a batch. A token serves many batches of one function, is good for this API server only, and has
 * no more rights than that function needs.
 * @throws Error that names the setting when its CA file cannot be read
 */
export function createClusterAccess(options: ClusterAccessOptions, signal: AbortSignal): AccessOf {
  const { kube, endpoint, namespace, settings, clock } = options;
  const server = settings['functions-api-server'] || endpoint.server;
  const caData = authorityOf(settings['functions-api-ca-file'], endpoint);
  const reach = { server, ...(caData && { caData }) };
  const cluster = settings['eks-cluster'];
  if (cluster) return () => ({ provider: 'eks', ...reach, cluster });
  const prefix = settings['functions-service-account-prefix'];
  const mints = new Map<string, ReturnType<typeof createTokenMint>>();
  const mintFor = (functionName: string) => {
    const known = mints.get(functionName);
    if (known) return known;
    const request = { namespace, serviceAccount: prefix + functionName, seconds: TOKEN_SECONDS };
    const mint = createTokenMint(kube, clock, request);
    mints.set(functionName, mint);
    return mint;
  };
  return async (functionName) => ({
    provider: 'token',
    ...reach,
    token: await mintFor(functionName)(signal),
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
