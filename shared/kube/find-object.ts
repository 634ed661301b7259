/** The object of a run, in the newest version that its cluster serves. */
import type { Run } from '../runtime/reconciler.ts';
import { forgetResource, resolveResource } from './discovery.ts';
import type { KubeObject, Resource } from './resource.ts';

/** What a kind is called: `KindNames` has it. */
type Names = Parameters<typeof resolveResource>[2];

export interface Found<T> {
  object: T;
  /** The kind, in the version in which the object was read and is written. */
  resource: Resource;
}

/**
 * Reads the object of a run: one request. Undefined: it is gone.
 * A version that is served no longer answers like an object that is gone; then the other versions are tried (IR-API-2).
 * @throws KubeError when the server refuses or cannot be reached
 */
export async function findObject<T extends KubeObject>(
  run: Pick<Run, 'kube' | 'cluster' | 'signal' | 'request'>,
  names: Names,
): Promise<Found<T> | undefined> {
  const { kube, cluster, signal } = run;
  const { namespace, name } = run.request;
  const known = await resolveResource(kube, cluster, names, signal);
  let resource = known;
  let object = await kube.get<T>(resource, { namespace, name }, signal);
  if (!object) {
    forgetResource(cluster, names);
    resource = await resolveResource(kube, cluster, names, signal);
    if (resource.version === known.version) return undefined;
    object = await kube.get<T>(resource, { namespace, name }, signal);
  }
  return object && { object, resource };
}
