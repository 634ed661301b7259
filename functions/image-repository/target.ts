/** The object of a run, and what every step needs to know of where it works. */
import { IMAGE_REPOSITORY, type ImageRepository } from '../../shared/api/image-repository.ts';
import { findObject } from '../../shared/kube/find-object.ts';
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

/** Reads the object of a run: one request. Undefined: it is gone. */
export async function findTarget(run: Run): Promise<{ target: Target; object: ImageRepository } | undefined> {
  const found = await findObject<ImageRepository>(run, IMAGE_REPOSITORY);
  if (!found) return undefined;
  const { namespace, name } = run.request;
  const recordKey = { cluster: run.cluster, namespace, name };
  return { target: { run, resource: found.resource, recordKey }, object: found.object };
}
