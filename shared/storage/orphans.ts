/** Removes what is stored for objects that are gone without our seeing it (IR-STORE-5). */
import type { ObjectStore } from './object-store.ts';

/** What was just written may belong to an object that is younger than the list. Also covers clocks that differ. */
const YOUNGEST_ORPHAN_MS = 60 * 60_000;

export interface OrphanSearch {
  /** What the keys begin with, before `namespace/name`. */
  prefix: string;
  /** `namespace/name` of **every** object of the cluster: a list that failed or was restricted must not come here. */
  existing: ReadonlySet<string>;
  /** When that list was read, in milliseconds since 1970. */
  listedAt: number;
}

/**
 * Deletes what is stored at, or below, the keys of objects that do not exist. Answers with their `namespace/name`.
 * @throws StorageError when the store cannot be listed, or something not deleted
 */
export async function removeOrphans(
  store: ObjectStore,
  { prefix, existing, listedAt }: OrphanSearch,
  signal?: AbortSignal,
): Promise<string[]> {
  const removed = new Set<string>();
  for await (const { key, lastModified } of store.list(prefix, signal)) {
    const name = key.slice(prefix.length).split('/', 2).join('/');
    if (existing.has(name) || lastModified.getTime() > listedAt - YOUNGEST_ORPHAN_MS) continue;
    await store.delete(key, signal);
    removed.add(name);
  }
  return [...removed];
}
