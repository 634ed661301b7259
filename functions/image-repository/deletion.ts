/** The end of an object (IR-REC-4), and the scan that comes home to find its object gone (acceptance point 15). */
import type { ImageRepository } from '../../shared/api/image-repository.ts';
import { IMAGE_REPOSITORY } from '../../shared/api/image-repository.ts';
import { removeFinalizer } from '../../shared/kube/finalizer.ts';
import { messageOf, RetryError } from '../../shared/runtime/errors.ts';
import type { RunResult } from '../../shared/runtime/reconciler.ts';
import { deleteTagRecord, readTagRecordHeader } from '../../shared/storage/tag-record.ts';
import type { Target } from './target.ts';

/**
 * Deletes the tag record, then lets the object go. No condition, no event (IR-REC-7).
 * @throws RetryError when the record cannot be deleted: the finalizer stays
 */
export async function finishDeletion(
  { run, resource, recordKey }: Target,
  object: ImageRepository,
): Promise<RunResult> {
  if (!object.metadata.finalizers?.includes(IMAGE_REPOSITORY.finalizer)) return { result: 'gone' };
  try {
    await deleteTagRecord(run.store, recordKey, run.signal);
  } catch (error) {
    throw new RetryError('Failure', `failed to delete the tag record: ${messageOf(error)}`, { cause: error });
  }
  await removeFinalizer(run.kube, resource, object, IMAGE_REPOSITORY.finalizer, run.signal);
  return { result: 'gone' };
}

/**
 * After a scan: takes the record back when the object was deleted meanwhile. Whoever deletes the object deletes the
 * record first, so a scan that ends in between would bring it back to life for ever.
 * @param uid of the object that was scanned: the record of a successor with the same name stays
 * @param after the object as the last write found it; undefined when it is gone
 */
export async function dropRecordOfDeleted(
  { run, recordKey }: Target,
  uid: string,
  after: ImageRepository | undefined,
): Promise<void> {
  if (after !== undefined && !after.metadata.deletionTimestamp) return;
  const record = await readTagRecordHeader(run.store, recordKey, { uid, log: run.log }, run.signal);
  if (record) await deleteTagRecord(run.store, recordKey, run.signal);
}
