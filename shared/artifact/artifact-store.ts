/**
 * The stored files of one `OCIRepository` (spec 16, decisions OCIRepository). No file that was published is ever
 * written again: what a consumer was told stays what it is until it is deleted. Only the alias `latest.tar.gz` moves.
 */
import type { Readable } from 'node:stream';
import { rfc3339 } from '../kube/conditions.ts';
import type { Clock } from '../runtime/clock.ts';
import {
  type ObjectInfo,
  type ObjectStore,
  PreconditionFailed,
  type PutOptions,
} from '../storage/object-store.ts';
import {
  type ArtifactOwner,
  artifactFolder,
  artifactKey,
  artifactPath,
  isArtifactPath,
  latestPath,
} from './artifact-path.ts';
import { type AgedFile, outdatedFiles, type Retention } from './retention.ts';

export const ARTIFACT_TYPE = 'application/gzip';

/**
 * Before more than this is sent, the store is asked whether the name is free: a server may close the connection on
 * whoever sends what it refuses, which looks like a network that broke.
 */
const ASKED_FIRST_BYTES = 256 * 1024;

/** The digests that we tell. */
const DIGEST = /^(?:sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128})$/;

/** A collection looks at no more files, and takes no longer (spec 16.5). The rest is for the next one. */
const COLLECTED_FILES = 1000;
const COLLECTION_MS = 5000;

/** What is to be published, as `produceArtifact` gives it. */
export interface ArtifactContent {
  /** Bytes. */
  size: number;
  /** SHA-256 of the bytes in lower-case hex. */
  sha256: string;
  /** `<algorithm>:<hex>` of the bytes, as a status shows it: SHA-256 or another (spec 15.3). */
  digest: string;
  /** The bytes, from their beginning at every call. */
  body(): Buffer | Readable;
}

/** What a status says of a stored file: the part of `status.artifact` that the store knows. */
export interface StoredFile {
  path: string;
  /** `<algorithm>:<hex>`; may be absent in a status of another release. */
  digest?: string;
  /** Bytes. */
  size?: number;
}

/** The same, of a file that was just published. */
export interface PublishedFile extends Required<StoredFile> {
  url: string;
  /** RFC 3339 in whole seconds. */
  lastUpdateTime: string;
}

/** What a check found. `altered`: the file is there and is not what the status says; the text says why. */
export type FileState = { state: 'intact' } | { state: 'missing' } | { state: 'altered'; why: string };

/** Where files are kept, under which address they are served, and for how long. */
export interface ArtifactStoreOptions {
  store: ObjectStore;
  cluster: string;
  /** What all URLs begin with, without a slash at its end (`--artifact-base-url`). */
  baseUrl: string;
  retention: Retention;
  clock: Clock;
}

/** The files of one object. Every method throws `StorageError` for what the store did not do. */
export interface ArtifactStore {
  /** Address of a path, or of the alias when there is none: what the status must show (spec 6.3 step 5, 16.2). */
  url(path?: string): string;
  /**
   * Looks whether the file of the status is there with the size and SHA-256 that the status says: one HEAD (spec 6.3).
   * A path that is not below the object's own folder is missing, whatever is there.
   */
  check(file: StoredFile, signal?: AbortSignal): Promise<FileState>;
  /**
   * Stores the file of a revision: under the plain name when that is free or holds the same bytes, else with a part
   * of its digest. Nothing is sent when `current` has the same bytes already.
   * @param current what the status has and `check` found intact
   */
  publish(
    content: ArtifactContent,
    options: { uid: string; revision: string; current?: StoredFile },
    signal?: AbortSignal,
  ): Promise<PublishedFile>;
  /** Lets the alias be the file of `path`; afterwards `url()` answers with it (spec 6.5 A7). */
  pointLatest(path: string, signal?: AbortSignal): Promise<void>;
  /** Stores a content as the alias itself: before its file, where nothing in the status shows that the alias is missing. */
  replaceLatest(content: ArtifactContent, signal?: AbortSignal): Promise<void>;
  /** Deletes old files, never the one of `path` (spec 16.5). @returns how many; to be called when `mayHaveOldFiles` */
  collect(path: string, signal?: AbortSignal): Promise<number>;
  /** Deletes one file, such as one that was altered. A path of somebody else is left alone. */
  remove(path: string, signal?: AbortSignal): Promise<void>;
  /** Deletes every file of the object, the alias included (spec 16.6). @returns how many there were */
  removeAll(signal?: AbortSignal): Promise<number>;
}

/** The files of `owner`. Nothing is asked of the store yet. */
export function openArtifactStore(options: ArtifactStoreOptions, owner: ArtifactOwner): ArtifactStore {
  const { store, cluster, baseUrl, retention, clock } = options;
  const folder = artifactFolder(owner);
  const latest = latestPath(owner);
  const key = (path: string) => artifactKey(cluster, path);
  const isOwn = (path: string) => path.startsWith(folder) && isArtifactPath(path);
  const url = (path: string = latest) => `${baseUrl}/${path}`;

  /** Stores under `path` if that is free. @returns whether the file is there now with the bytes of `content` */
  async function putIfFree(
    path: string,
    { body, size, sha256, digest }: ArtifactContent,
    options: PutOptions,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    const isSame = (found: ObjectInfo) =>
      found.size === size && found.sha256 === sha256 && storedDigest(found, digest) === digest;
    if (size > ASKED_FIRST_BYTES) {
      const found = await store.head(key(path), signal);
      if (found) return isSame(found);
    }
    try {
      await store.put(key(path), body(), { ...options, size, ifAbsent: true }, signal);
      return true;
    } catch (error) {
      if (!(error instanceof PreconditionFailed)) throw error;
      const found = await store.head(key(path), signal);
      return found !== undefined && isSame(found);
    }
  }

  return {
    url,

    async check(file, signal) {
      const info = isOwn(file.path) ? await store.head(key(file.path), signal) : undefined;
      if (!info) return { state: 'missing' };
      const why = problemOf(info, file);
      return why ? { state: 'altered', why } : { state: 'intact' };
    },

    async publish(content, { uid, revision, current }, signal) {
      const { size, sha256, digest } = content;
      const plain = artifactPath(owner, revision);
      const own = artifactPath(owner, revision, sha256);
      const published = (path: string): PublishedFile => ({
        path,
        url: url(path),
        digest,
        size,
        lastUpdateTime: rfc3339(clock.now()),
      });
      if (current?.digest === digest && (current.path === plain || current.path === own)) {
        return published(current.path);
      }
      const metadata = { kind: 'OCIRepository', ...owner, uid, revision, digest };
      const put = { sha256, contentType: ARTIFACT_TYPE, metadata };
      // The status tells already that the plain name is taken by other bytes.
      if (current?.path !== plain && (await putIfFree(plain, content, put, signal))) return published(plain);
      // What is under a name with its own digest and has another one was altered: it is of no use to anybody.
      if (!(await putIfFree(own, content, put, signal))) {
        await store.put(key(own), content.body(), { ...put, size }, signal);
      }
      return published(own);
    },

    async pointLatest(path, signal) {
      await store.copy(key(path), key(latest), signal);
    },

    async replaceLatest({ body, size, sha256 }, signal) {
      await store.put(key(latest), body(), { sha256, size, contentType: ARTIFACT_TYPE }, signal);
    },

    async collect(current, signal) {
      const timeout = AbortSignal.timeout(COLLECTION_MS);
      const bounded = signal ? AbortSignal.any([signal, timeout]) : timeout;
      const files: AgedFile[] = [];
      for await (const info of store.list(key(folder), bounded)) {
        const path = folder + info.key.slice(key(folder).length);
        if (path !== latest) files.push({ path, writtenAt: info.lastModified.getTime() });
        if (files.length === COLLECTED_FILES) break;
      }
      const outdated = outdatedFiles(files, current, retention, clock.now());
      await Promise.all(outdated.map((path) => store.delete(key(path), bounded)));
      return outdated.length;
    },

    async remove(path, signal) {
      if (isOwn(path)) await store.delete(key(path), signal);
    },

    async removeAll(signal) {
      const keys = (await Array.fromAsync(store.list(key(folder), signal))).map((info) => info.key);
      await Promise.all(keys.map((each) => store.delete(each, signal)));
      return keys.length;
    },
  };
}

/** Why the stored file is not the one that the status tells of; undefined: it is. */
function problemOf(info: ObjectInfo, file: StoredFile): string | undefined {
  const { size, sha256 } = info;
  if (!DIGEST.test(file.digest ?? '')) return `the status has no usable digest (${file.digest ?? 'none'})`;
  if (file.size !== undefined && file.size !== size) return `it has ${size} bytes instead of ${file.size}`;
  if (sha256 === undefined) return 'the store has no SHA-256 of it: it was written by somebody else';
  const found = storedDigest(info, file.digest!);
  return found === file.digest
    ? undefined
    : `its digest is ${found ?? 'not known'} instead of ${file.digest}`;
}

/**
 * What the store knows of a file, in the algorithm of another digest. Stores keep SHA-256; what was told of a file in
 * another algorithm is kept beside it, and whoever puts another content replaces that, too.
 */
function storedDigest({ sha256, metadata }: ObjectInfo, like: string): string | undefined {
  if (like.startsWith('sha256:')) return sha256 && `sha256:${sha256}`;
  return metadata?.digest;
}
