/** All objects of the server: collections, the version that grows with every write, and the journal below them. */
import { join } from 'node:path';
import type { ApiObject } from './api-object.ts';
import { Collection, type Stored } from './collection.ts';
import { Journal, putLine, readJournal, removeLine } from './journal.ts';
import { collectionName, groupVersion, type ResourceDefinition } from './resource-definition.ts';

/**
 * What a start adds to the last version on disk: a crash may have lost the writes of the last 50 ms, and a version
 * that a client has seen must never name something else.
 */
const RESTART_STEP = 1_000;

export class ClusterState {
  readonly #collections = new Map<string, Collection>();
  #version = 0;
  #journal: Journal | undefined;

  private constructor() {}

  /** Reads what `folder` holds and keeps it up to date from then on. */
  static async open(folder: string, onError: (error: Error) => void): Promise<ClusterState> {
    const state = new ClusterState();
    const file = join(folder, 'objects.jsonl');
    const entries = await readJournal(file);
    for (const entry of entries) {
      const collection = state.#collection(entry.collection);
      if ('removed' in entry) {
        collection.forget(entry.removed);
        state.#version = Math.max(state.#version, entry.version);
      } else {
        const object = entry.object as ApiObject;
        collection.restore(object);
        state.#version = Math.max(state.#version, Number(object.metadata.resourceVersion));
      }
    }
    state.#version += RESTART_STEP;
    for (const collection of state.#collections.values()) collection.oldest = state.#version;
    state.#journal = await Journal.open(file, entries.length, {
      size: () => state.#size(),
      snapshot: () => state.#snapshot(),
      onError,
    });
    return state;
  }

  /** The version of the last write, of whatever resource. */
  get version(): number {
    return this.#version;
  }

  collection(definition: ResourceDefinition): Collection {
    return this.#collection(collectionName(definition));
  }

  /** Every collection, for what concerns objects of all kinds. */
  collections(): Iterable<Collection> {
    return this.#collections.values();
  }

  /** Stores an object under the next version. */
  put(definition: ResourceDefinition, object: ApiObject): Stored {
    const collection = this.collection(definition);
    const stored = collection.put(this.#stamp(object));
    this.#journal?.append(putLine(collection.name, jsonOf(stored)));
    return stored;
  }

  /** Removes an object; the removal has the next version. */
  remove(definition: ResourceDefinition, object: ApiObject): Stored {
    const collection = this.collection(definition);
    const stored = collection.remove(this.#stamp(object));
    this.#journal?.append(removeLine(collection.name, stored.key, stored.version));
    return stored;
  }

  /** Resolves when everything is on disk. */
  flush(): Promise<void> {
    return this.#journal?.flush() ?? Promise.resolve();
  }

  async close(): Promise<void> {
    await this.#journal?.close();
  }

  #collection(name: string): Collection {
    let collection = this.#collections.get(name);
    if (!collection) {
      collection = new Collection(name, this.#version);
      this.#collections.set(name, collection);
    }
    return collection;
  }

  #stamp(object: ApiObject): ApiObject {
    this.#version++;
    return { ...object, metadata: { ...object.metadata, resourceVersion: String(this.#version) } };
  }

  #size(): number {
    let size = 0;
    for (const collection of this.#collections.values()) size += collection.size;
    return size;
  }

  #snapshot(): string[] {
    return [...this.#collections.values()].flatMap((collection) =>
      collection.list().map((stored) => putLine(collection.name, jsonOf(stored))),
    );
  }
}

function jsonOf({ object, tail }: Stored): string {
  return withVersion(object.apiVersion, object.kind, tail);
}

/** The JSON of a stored object as another version (conversion `None`: only the name of the version differs). */
export function withVersion(apiVersion: string, kind: string, tail: string): string {
  return `{"apiVersion":${JSON.stringify(apiVersion)},"kind":${JSON.stringify(kind)},${tail}`;
}

/** The JSON of a stored object as the given version of its resource shows it. */
export function renderStored(definition: ResourceDefinition, version: string, stored: Stored): string {
  if (definition.present) return JSON.stringify(definition.present(stored.object));
  return withVersion(groupVersion(definition.group, version), definition.kind, stored.tail);
}
