/** Removes tag records whose object is gone without our seeing it (IR-STORE-5). */
import type { ObjectStore } from './object-store.ts';
import { tagRecordsOf } from './tag-record.ts';

/** A record that was just written may belong to an object that is younger than the list. Also covers clocks that differ. */
const YOUNGEST_ORPHAN_MS = 60 * 60_000;

export interface TagRecordSweep {
  cluster: string;
  /** `namespace/name` of **every** ImageRepository of the cluster: a list that failed or was restricted must not come here. */
  existing: ReadonlySet<string>;
  /** When that list was read, in milliseconds since 1970. */
  listedAt: number;
}

/**
 * Deletes the records of objects that do not exist. Answers with their `namespace/name`.
 * @throws StorageError when the store cannot be listed, or a record not deleted
 */
export async function sweepTagRecords(
  store: ObjectStore,
  { cluster, existing, listedAt }: TagRecordSweep,
  signal?: AbortSignal,
): Promise<string[]> {
  const prefix = tagRecordsOf(cluster);
  const removed: string[] = [];
  for await (const { key, lastModified } of store.list(prefix, signal)) {
    const name = key.slice(prefix.length);
    if (existing.has(name) || lastModified.getTime() > listedAt - YOUNGEST_ORPHAN_MS) continue;
    await store.delete(key, signal);
    removed.push(name);
  }
  return removed;
}
