/** Which version of a kind to ask for, on clusters whose CRDs somebody else installed (IR-API-2). */
import type { KubeClient, ObjectRef } from './client.ts';
import { isNotFound, KubeError } from './errors.ts';
import type { Resource } from './resource.ts';

/** What discovery needs to know of a kind. */
export interface DiscoveredKind {
  group: string;
  kind: string;
  plural: string;
  /** Those that we can work with, newest first. */
  versions: readonly string[];
}

interface ResourceList {
  resources?: { name: string; namespaced: boolean }[];
}

const found = new Map<string, Promise<Resource>>();

/**
 * The resource of a kind in the newest version that the cluster serves. Asked once per process and cluster: one request
 * where the newest is served, one more for each version that is not.
 * @throws KubeError 404 when the cluster serves none of them
 */
export async function resolveResource(
  kube: KubeClient,
  cluster: string,
  kind: DiscoveredKind,
  signal: AbortSignal,
): Promise<Resource> {
  signal.throwIfAborted();
  const key = keyOf(cluster, kind);
  const known = found.get(key);
  if (known) return until(known, signal);
  // Many keys of a batch wait for this answer: the signal of the first one must not take it from the others.
  const pending = discover(kube, kind);
  found.set(key, pending);
  pending.catch(() => {
    if (found.get(key) === pending) found.delete(key);
  });
  return until(pending, signal);
}

/** To be called when the server answered 404 to a version that it served before: the next call asks again. */
export function forgetResource(cluster: string, kind: DiscoveredKind): void {
  found.delete(keyOf(cluster, kind));
}

/**
 * Reads an object of a kind in the newest version that the cluster serves: one request. A version that is served no
 * longer is not taken for a missing object: the versions are asked for again, and the object read once more.
 * @returns the object and the resource under which it was found; undefined: there is no such object
 */
export async function getServed<T>(
  kube: KubeClient,
  cluster: string,
  kind: DiscoveredKind,
  ref: ObjectRef,
  signal: AbortSignal,
): Promise<{ resource: Resource; object: T } | undefined> {
  const read = async () => {
    const resource = await resolveResource(kube, cluster, kind, signal);
    const object = await kube.get<T>(resource, ref, signal);
    return object && { resource, object };
  };
  try {
    return await read();
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
  forgetResource(cluster, kind);
  return read();
}

async function discover(kube: KubeClient, kind: DiscoveredKind): Promise<Resource> {
  const { group, plural, versions } = kind;
  for (const version of versions) {
    const path = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
    const list = await kube.getPath<ResourceList>(path);
    const served = list?.resources?.find((resource) => resource.name === plural);
    if (served) return { group, version, plural, kind: kind.kind, namespaced: served.namespaced };
  }
  throw new KubeError(
    `the cluster does not serve ${plural}.${group} in any of ${versions.join(', ')}: install the CRDs`,
    { status: 404, reason: 'NotFound' },
  );
}

/** `pending`, or the signal's reason when that comes first. */
function until<T>(pending: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    pending.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

function keyOf(cluster: string, kind: DiscoveredKind): string {
  return `${cluster}/${kind.group}/${kind.plural}`;
}
