/** Where artifacts and tag records are kept (design section 5). Drivers: `directory.ts`, `s3.ts`. */
import type { Readable } from 'node:stream';

/** What a store knows of an object without reading it. `etag` is opaque and changes with the content. */
export interface ObjectInfo {
  key: string;
  size: number;
  etag: string;
  /** SHA-256 of the content in lower-case hex, where it was stored with one. `list` may leave it out. */
  sha256?: string;
  /** What was said of the content when it was stored, but in a `list`. */
  metadata?: Record<string, string>;
  lastModified: Date;
}

export interface StoredObject extends ObjectInfo {
  /** The whole content. Use one of `bytes` and `stream`, once. */
  bytes(): Promise<Buffer>;
  /** The content with back-pressure; destroy it when it is not read to its end: it holds a file or a connection. */
  stream(): Readable;
}

export interface PutOptions {
  /** SHA-256 of the content in lower-case hex: the store verifies it and keeps it. */
  sha256?: string;
  /** Length in bytes: required with a stream. */
  size?: number;
  contentType?: string;
  /** Kept beside the content for people: lower-case names, printable ASCII. */
  metadata?: Record<string, string>;
  /** Write only when there is no object under the key. */
  ifAbsent?: boolean;
  /** Write only when the object under the key still has this etag. */
  ifMatch?: string;
}

/**
 * Keys are paths of segments joined by `/`, without `.`, `..` or empty segments (`object-key.ts`). What is an object
 * cannot be a folder of other objects as well.
 * A write is atomic: readers see the old content or the new one. Failures are `StorageError`s.
 */
export interface ObjectStore {
  /** @throws PreconditionFailed when `ifAbsent` or `ifMatch` does not hold */
  put(key: string, body: Buffer | Readable, options?: PutOptions, signal?: AbortSignal): Promise<ObjectInfo>;
  /**
   * Puts the object under `from`, with all that is known of it, under `to` as well. The content does not pass through
   * this process.
   * @throws StorageError when nothing is under `from`
   */
  copy(from: string, to: string, signal?: AbortSignal): Promise<void>;
  /** Nothing under the key: undefined. */
  get(key: string, signal?: AbortSignal): Promise<StoredObject | undefined>;
  head(key: string, signal?: AbortSignal): Promise<ObjectInfo | undefined>;
  /** Every object whose key starts with `prefix`, ordered by key. */
  list(prefix: string, signal?: AbortSignal): AsyncIterable<ObjectInfo>;
  /** Nothing under the key is fine. */
  delete(key: string, signal?: AbortSignal): Promise<void>;
}

/** A store that did not do what it was asked; the message names key and cause, never a credential. */
export class StorageError extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'StorageError';
  }
}

/** The store does not let us read the object, or does not tell us that there is none. */
export class AccessDenied extends StorageError {
  constructor(message: string) {
    super(message);
    this.name = 'AccessDenied';
  }
}

/** The condition of a conditional write did not hold. */
export class PreconditionFailed extends StorageError {
  constructor(key: string) {
    super(`object '${key}' was written by somebody else`);
    this.name = 'PreconditionFailed';
  }
}
