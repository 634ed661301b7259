/** The objects of one resource, ordered by key, with what happened to them lately. */
import { type ApiObject, jsonTail } from './api-object.ts';

/** An object with its version as a number and its JSON (see `jsonTail`). */
export interface Stored {
  key: string;
  object: ApiObject;
  version: number;
  tail: string;
}

/** One write. `stored` is the object after it (with a removal: as it was, with the version of the removal). */
export interface ChangeEvent {
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  version: number;
  stored: Stored;
  before?: Stored;
}

const REMEMBERED_EVENTS = 1_000;

/** `namespace/name`, or the name of a cluster-wide object. */
export function keyOf(namespace: string | undefined, name: string): string {
  return namespace ? `${namespace}/${name}` : name;
}

export class Collection {
  readonly name: string;
  /** Version of the last write. */
  lastChange = 0;
  /** Was there ever an object that belongs to another one? */
  hasOwners = false;
  /** A watch cannot start before this version: what came then is forgotten. */
  oldest: number;
  #objects = new Map<string, Stored>();
  #keys: string[] | undefined;
  #events: ChangeEvent[] = [];
  #listeners = new Set<(event: ChangeEvent) => void>();

  /** @param version the server's version when the collection is made: nothing before it is remembered */
  constructor(name: string, version: number) {
    this.name = name;
    this.oldest = version;
  }

  get size(): number {
    return this.#objects.size;
  }

  get(key: string): Stored | undefined {
    return this.#objects.get(key);
  }

  /** Every object of a namespace (empty: of all), ordered by key. */
  list(namespace = ''): Stored[] {
    this.#keys ??= [...this.#objects.keys()].sort();
    const prefix = namespace === '' ? '' : `${namespace}/`;
    const found: Stored[] = [];
    for (const key of this.#keys) if (key.startsWith(prefix)) found.push(this.#objects.get(key)!);
    return found;
  }

  /** Puts an object back that was stored before a restart: nobody is told. */
  restore(object: ApiObject): void {
    const stored = asStored(object);
    this.#objects.set(stored.key, stored);
    this.#keys = undefined;
    this.hasOwners ||= object.metadata.ownerReferences !== undefined;
  }

  forget(key: string): void {
    this.#objects.delete(key);
    this.#keys = undefined;
  }

  put(object: ApiObject): Stored {
    const stored = asStored(object);
    const before = this.#objects.get(stored.key);
    if (!before) this.#keys = undefined;
    this.hasOwners ||= object.metadata.ownerReferences !== undefined;
    this.#objects.set(stored.key, stored);
    this.#emit({
      type: before ? 'MODIFIED' : 'ADDED',
      version: stored.version,
      stored,
      ...(before && { before }),
    });
    return stored;
  }

  /** @param last the object as it was, with the version of the removal */
  remove(last: ApiObject): Stored {
    const stored = asStored(last);
    const before = this.#objects.get(stored.key);
    this.#objects.delete(stored.key);
    this.#keys = undefined;
    this.#emit({ type: 'DELETED', version: stored.version, stored, ...(before && { before }) });
    return stored;
  }

  /** What happened after `version`, oldest first; undefined when that is forgotten. */
  eventsAfter(version: number): ChangeEvent[] | undefined {
    if (version < this.oldest) return undefined;
    const from = this.#events.findIndex((event) => event.version > version);
    return from < 0 ? [] : this.#events.slice(from);
  }

  /** Calls `listener` after every write; the answer ends that. */
  subscribe(listener: (event: ChangeEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #emit(event: ChangeEvent): void {
    this.lastChange = event.version;
    this.#events.push(event);
    if (this.#events.length > 2 * REMEMBERED_EVENTS) {
      this.#events = this.#events.slice(-REMEMBERED_EVENTS);
      this.oldest = this.#events[0]!.version - 1;
    }
    for (const listener of this.#listeners) listener(event);
  }
}

/** An object with what the store keeps beside it; of a dry run, without a version. */
export function asStored(object: ApiObject): Stored {
  const { namespace, name, resourceVersion } = object.metadata;
  return {
    key: keyOf(namespace, name),
    object,
    version: Number(resourceVersion),
    tail: jsonTail(object),
  };
}
