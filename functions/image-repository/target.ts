/** The object of a run, and what every step needs to know of where it works. */
import { IMAGE_REPOSITORY, type ImageRepository } from '../../shared/api/image-repository.ts';
import { forgetResource, resolveResource } from '../../shared/kube/discovery.ts';
import type { Resource } from '../../shared/kube/resource.ts';
import type { Run } from '../../shared/runtime/reconciler.ts';
import type { TagRecordKey } from '../../shared/storage/tag-record.ts';

export interface Target {
  run: Run;
  /** The kind, in the newest version that this cluster serves. */
  resource: Resource;
  /** Where the tag record of the object is kept. */
  recordKey: TagRecordKey;
}

/**
 * Reads the object of a run: one request. Undefined: it is gone.
 * A version that is served no longer answers like an object that is gone; then the other versions are tried (IR-API-2).
 */
export async function findTarget(run: Run): Promise<{ target: Target; object: ImageRepository } | undefined> {
  const { kube, cluster, signal } = run;
  const { namespace, name } = run.request;
  const known = await resolveResource(kube, cluster, IMAGE_REPOSITORY, signal);
  let resource = known;
  let object = await kube.get<ImageRepository>(resource, { namespace, name }, signal);
  if (!object) {
    forgetResource(cluster, IMAGE_REPOSITORY);
    resource = await resolveResource(kube, cluster, IMAGE_REPOSITORY, signal);
    if (resource.version === known.version) return undefined;
    object = await kube.get<ImageRepository>(resource, { namespace, name }, signal);
  }
  return object && { target: { run, resource, recordKey: { cluster, namespace, name } }, object };
}
