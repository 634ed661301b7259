/**
 * Which Secrets a service account names (Quay 7.5, 8.6): in `secrets`, for the pods that ask for them, and in
 * `imagePullSecrets`, for pulls. What others put there stays, in its order.
 */
import { messageOf, RetryError } from '../runtime/errors.ts';
import type { KubeClient } from './client.ts';
import { isConflict, isNotFound } from './errors.ts';
import { SERVICE_ACCOUNTS, type ServiceAccount } from './resource.ts';

export interface AccountRef {
  namespace: string;
  /** Name of the service account. */
  name: string;
}

/** The two lists of a service account. */
export type Links = Required<Pick<ServiceAccount, 'secrets' | 'imagePullSecrets'>>;

/** Another list, or the very same when nothing is to be changed. */
export type LinkChange = (links: Links) => Links | Promise<Links>;

/** Writes that others may come between. */
const TRIES = 5;

/** Names the Secret once more in `secrets` (and with `alsoPull` in `imagePullSecrets`), where it is not named yet. */
export function withLink(secret: string, alsoPull = false): (links: Links) => Links {
  return (links) => {
    const secrets = added(links.secrets, secret);
    const imagePullSecrets = alsoPull ? added(links.imagePullSecrets, secret) : links.imagePullSecrets;
    return unlessSame(links, { secrets, imagePullSecrets });
  };
}

/** Names the Secret nowhere. */
export function withoutLink(secret: string): (links: Links) => Links {
  return (links) =>
    unlessSame(links, {
      secrets: removed(links.secrets, secret),
      imagePullSecrets: removed(links.imagePullSecrets, secret),
    });
}

/** Names the Secret once in `secrets`, where its first entry stands, and never in `imagePullSecrets` (8.6 rules 1 to 3). */
export function withRepairedLink(secret: string): (links: Links) => Links {
  return (links) => {
    const at = links.secrets.findIndex(({ name }) => name === secret);
    const secrets = links.secrets.filter(({ name }, index) => name !== secret || index === at);
    const imagePullSecrets = removed(links.imagePullSecrets, secret);
    return unlessSame(links, { secrets: added(secrets, secret), imagePullSecrets });
  };
}

/**
 * Changes the lists of a service account: one read, and one guarded write when something changes.
 * @returns whether something was written; false also when there is no such account
 * @throws RetryError `Conflict` when others keep writing; KubeError
 */
export async function changeLinks(
  kube: KubeClient,
  account: AccountRef,
  change: LinkChange,
  signal: AbortSignal,
): Promise<boolean> {
  for (let tries = 1; ; tries++) {
    const stored = await kube.get<ServiceAccount>(SERVICE_ACCOUNTS, account, signal);
    if (!stored) return false;
    const links: Links = {
      secrets: stored.secrets ?? [],
      imagePullSecrets: stored.imagePullSecrets ?? [],
    };
    const wanted = await change(links);
    if (wanted === links) return false;
    const { resourceVersion } = stored.metadata;
    try {
      await kube.patch(SERVICE_ACCOUNTS, account, { metadata: { resourceVersion }, ...wanted }, signal);
      return true;
    } catch (error) {
      if (isNotFound(error)) return false;
      if (!isConflict(error)) throw error;
      if (tries >= TRIES) throw new RetryError('Conflict', messageOf(error), { cause: error });
    }
  }
}

function added(list: Links['secrets'], name: string): Links['secrets'] {
  return list.some((entry) => entry.name === name) ? list : [...list, { name }];
}

function removed(list: Links['secrets'], name: string): Links['secrets'] {
  return list.some((entry) => entry.name === name) ? list.filter((entry) => entry.name !== name) : list;
}

function unlessSame(before: Links, after: Links): Links {
  const same =
    before.secrets.length === after.secrets.length &&
    before.imagePullSecrets.length === after.imagePullSecrets.length;
  return same ? before : after;
}
