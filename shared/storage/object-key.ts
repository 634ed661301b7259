/** What a key may look like, so that it means the same in a bucket and in a folder. */
import { type ObjectStore, StorageError } from './object-store.ts';

const LONGEST_KEY = 1024;
const LONGEST_SEGMENT = 255;

/**
 * Printable ASCII without backslash, in segments joined by `/` that are neither empty nor `.` nor `..`.
 * @throws StorageError when `key` is not like that
 */
export function checkKey(key: string): void {
  const problem = problemOf(key);
  if (problem) throw new StorageError(`object key ${JSON.stringify(key)} cannot be used: ${problem}`);
}

function problemOf(key: string): string | undefined {
  if (key.length > LONGEST_KEY) return `it is longer than ${LONGEST_KEY} characters`;
  if (!/^[!-[\]-~]*$/.test(key)) return 'it has characters other than printable ASCII, or a backslash';
  for (const segment of key.split('/')) {
    if (segment === '') return 'it has an empty segment';
    if (segment === '.' || segment === '..') return `it has a segment '${segment}'`;
    if (segment.length > LONGEST_SEGMENT) return `a segment is longer than ${LONGEST_SEGMENT} characters`;
  }
  return undefined;
}

/** The part of `store` below `prefix` (segments joined by `/`; empty: all of it), with keys that begin after it. */
export function withKeyPrefix(store: ObjectStore, prefix: string): ObjectStore {
  if (prefix === '') return store;
  checkKey(prefix);
  const start = `${prefix}/`;
  const inner = <T extends { key: string }>(info: T): T =>
    Object.assign(info, { key: info.key.slice(start.length) });
  return {
    put: async (key, body, options, signal) => inner(await store.put(start + key, body, options, signal)),
    copy: (from, to, signal) => store.copy(start + from, start + to, signal),
    async get(key, signal) {
      const found = await store.get(start + key, signal);
      return found && inner(found);
    },
    async head(key, signal) {
      const found = await store.head(start + key, signal);
      return found && inner(found);
    },
    async *list(below, signal) {
      for await (const info of store.list(start + below, signal)) yield inner(info);
    },
    delete: (key, signal) => store.delete(start + key, signal),
  };
}
