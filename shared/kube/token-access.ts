/** Access by a short-lived token: the relay mints it, a function presents it (design section 4). */
import type { Clock } from '../runtime/clock.ts';
import type { ClusterAccess } from '../runtime/contract.ts';
import type { KubeClient } from './client.ts';
import { SERVICE_ACCOUNTS } from './resource.ts';
import type { ClusterEndpoint } from './transport.ts';

/** The API server grants no less. */
const SHORTEST_SECONDS = 600;

export interface TokenRequest {
  namespace: string;
  serviceAccount: string;
  /** Whom the token is for. Left out: the API server's own audience, the only one that it takes itself. */
  audience?: string;
  /** Wanted life; the server may grant another one. At least 600. */
  seconds: number;
}

export interface MintedToken {
  token: string;
  /** Milliseconds since 1970. */
  expiresAt: number;
}

/**
 * Asks the cluster for a token of a ServiceAccount (TokenRequest).
 * @throws KubeError, 404 when there is no such account
 */
export async function mintToken(
  kube: KubeClient,
  { namespace, serviceAccount, audience, seconds }: TokenRequest,
  signal: AbortSignal,
): Promise<MintedToken> {
  const { status } = await kube.create<{ status: { token: string; expirationTimestamp: string } }>(
    SERVICE_ACCOUNTS,
    { namespace, name: serviceAccount, subresource: 'token' },
    {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: {
        audiences: audience === undefined ? [] : [audience],
        expirationSeconds: Math.max(SHORTEST_SECONDS, Math.round(seconds)),
      },
    },
    signal,
  );
  return { token: status.token, expiresAt: Date.parse(status.expirationTimestamp) };
}

/**
 * Mints a token and hands it out again and again, until a fifth of its life is left: whoever gets it last can still work
 * with it. Callers that come while one is being minted wait for that one.
 */
export function createTokenMint(
  kube: KubeClient,
  clock: Clock,
  request: TokenRequest,
): (signal: AbortSignal) => Promise<string> {
  let current: MintedToken | undefined;
  let renewAt = 0;
  let pending: Promise<MintedToken> | undefined;
  return async (signal) => {
    const now = clock.now();
    if (current && now < renewAt) return current.token;
    pending ??= mintToken(kube, request, signal).finally(() => {
      pending = undefined;
    });
    current = await pending;
    renewAt = current.expiresAt - (current.expiresAt - now) / 5;
    return current.token;
  };
}

/** The endpoint that a batch brings. `caData` is PEM (docs/contract.md). */
export function endpointFromAccess(access: ClusterAccess & { provider: 'token' }): ClusterEndpoint {
  return {
    server: access.server,
    token: access.token,
    ...(access.caData && { ca: access.caData }),
  };
}
