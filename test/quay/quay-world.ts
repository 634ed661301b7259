/** A local Quay and clients for it, for tests. */
import type { TestContext } from 'node:test';
import { LOCAL_ORGANIZATION, LOCAL_TOKEN, type LocalQuay, startQuay } from '../../infra/local/quay/quay.ts';
import type { KubeClient } from '../../shared/kube/client.ts';
import { isAlreadyExists } from '../../shared/kube/errors.ts';
import { NAMESPACES, SECRETS } from '../../shared/kube/resource.ts';
import { systemTls } from '../../shared/oci/tls-material.ts';
import type { QuayAccess } from '../../shared/quay/access.ts';
import { openQuay, type QuayClient, type QuayOptions } from '../../shared/quay/client.ts';
import { RequestPace } from '../../shared/quay/request-pace.ts';
import { QUAY_TOKEN_SECRET } from '../../shared/quay/token-secret.ts';
import { type Clock, systemClock } from '../../shared/runtime/clock.ts';

/** Quick enough that no test waits for its turn. */
export function quickPace(clock: Clock = systemClock): RequestPace {
  return new RequestPace(10_000, clock);
}

/** Ten times as fast as the machine's: the client's short pauses cost a test next to nothing. */
export function hurriedClock(): Clock {
  const start = systemClock.now();
  return {
    now: () => start + (systemClock.now() - start) * 10,
    after: (ms, callback) => systemClock.after(ms / 10, callback),
  };
}

export const QUAY_SETTINGS = {
  'allow-private-addresses': true,
  'allow-loopback-addresses': true,
  'quay-requests-per-second': 50,
} as const;

/** How to reach a local Quay as its default token, or as another one. */
export function accessTo(
  quay: Pick<LocalQuay, 'apiUrl' | 'host'>,
  access: Partial<QuayAccess> = {},
): QuayAccess {
  return {
    apiUrl: quay.apiUrl,
    organization: LOCAL_ORGANIZATION,
    token: LOCAL_TOKEN,
    registryHost: quay.host,
    tls: systemTls(),
    proxyFor: () => undefined,
    ...access,
  };
}

/** A client that no pace and no pause slows down. */
export function clientFor(
  quay: Pick<LocalQuay, 'apiUrl' | 'host'>,
  access: Partial<QuayAccess> = {},
  options: Partial<QuayOptions> = {},
): QuayClient {
  const clock = options.clock ?? hurriedClock();
  const given = { clock, settings: QUAY_SETTINGS, pace: quickPace(clock), ...options };
  return openQuay(accessTo(quay, access), given);
}

/** A Quay that ends with the test. */
export async function startTestQuay(
  t: TestContext,
  options: Partial<Parameters<typeof startQuay>[0]> = {},
): Promise<LocalQuay> {
  const quay = await startQuay({ port: 0, ...options });
  t.after(() => quay.close());
  return quay;
}

/** The token's place is the same for all tests of a server: whoever comes first makes it. Where Quay is, they say by settings. */
export async function ensureToken(kube: KubeClient): Promise<void> {
  const { namespace, name } = QUAY_TOKEN_SECRET;
  const stringData = { organization: LOCAL_ORGANIZATION, quaytoken: LOCAL_TOKEN };
  for (const make of [
    () => kube.create(NAMESPACES, {}, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }),
    () =>
      kube.create(
        SECRETS,
        { namespace },
        { apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData },
      ),
  ]) {
    await make().catch((error) => {
      if (!isAlreadyExists(error)) throw error;
    });
  }
}
