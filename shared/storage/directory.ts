/**
 * Object store in a folder, for one process at a time: the embedded default.
 *
 *     objects/<key>        the content: the very bytes that were put
 *     info/<key>/<etag>    what else was given with them: SHA-256, content type, metadata; only then there is a file
 *     temp/                what is being written
 *
 * A content becomes visible whole, by rename or link. What is beside it is found by its etag, so that no reader sees
 * a mixture. Nothing is flushed to the disk (fsync): what is here can be made again, and a loss of power that cuts a
 * file short changes its etag, so that its SHA-256 is not found any more and its owner writes it anew.
 *
 * Small contents are read and written by synchronous calls: they take a third of the CPU of asynchronous ones and are
 * shorter than what a run does between two waits. So a check and the rename after it are one step in this process.
 */
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { type Clock, systemClock } from '../runtime/clock.ts';
import {
  createStamps,
  etagOf,
  moveFile,
  openFile,
  pathsBelow,
  readAtOnce,
  removeEmptyFolders,
  removeOldFiles,
  statFile,
  writeAtOnce,
  writeStream,
} from './directory-files.ts';
import { fileError, isMissing } from './file-error.ts';
import { checkKey } from './object-key.ts';
import {
  type ObjectInfo,
  type ObjectStore,
  PreconditionFailed,
  type PutOptions,
  StorageError,
  type StoredObject,
} from './object-store.ts';

/** Contents up to this size are read and written at once. */
const SMALL_BYTES = 1024 * 1024;
/** A temporary file that nobody has written to for so long is left over from a crash. */
const LEFTOVER_MS = 60 * 60_000;

/** What is kept beside a content. */
type Extra = Pick<PutOptions, 'sha256' | 'contentType' | 'metadata'>;

interface DirectoryOptions {
  clock?: Clock;
}

/** @param folder made at the first write; it belongs to the store alone */
export function createDirectoryStore(
  folder: string,
  { clock = systemClock }: DirectoryOptions = {},
): ObjectStore {
  const contents = join(folder, 'objects');
  const extras = join(folder, 'info');
  const temporary = join(folder, 'temp');
  const nextStamp = createStamps(clock);
  let prepared = false;

  function prepare(): void {
    if (prepared) return;
    fs.mkdirSync(temporary, { recursive: true });
    removeOldFiles(temporary, clock.now() - LEFTOVER_MS);
    prepared = true;
  }

  const temporaryFile = () => join(temporary, randomBytes(12).toString('base64url'));

  function infoOf(
    key: string,
    stat: fs.BigIntStats,
    extra: Extra = readExtra(join(extras, key, etagOf(stat))),
  ): ObjectInfo {
    const { sha256, metadata } = extra;
    return {
      key,
      size: Number(stat.size),
      etag: etagOf(stat),
      lastModified: new Date(Number(stat.mtimeMs)),
      ...(sha256 && { sha256 }),
      ...(metadata && { metadata }),
    };
  }

  /** Makes a finished temporary file the content of `key`. Must not wait: see the head of this file. */
  function publish(key: string, file: string, options: PutOptions): ObjectInfo {
    const stat = fs.statSync(file, { bigint: true });
    const extra = join(extras, key, etagOf(stat));
    const isFirst = writeExtra(extra, options);
    if (!ifMatchHolds(key, options.ifMatch) || !moveFile(file, join(contents, key), !!options.ifAbsent)) {
      fs.rmSync(extra, { force: true });
      throw new PreconditionFailed(key);
    }
    if (!isFirst) removeOtherExtras(extra);
    return infoOf(key, stat, options);
  }

  function ifMatchHolds(key: string, etag: string | undefined): boolean {
    if (etag === undefined) return true;
    const stat = statFile(join(contents, key));
    return stat !== undefined && etagOf(stat) === etag;
  }

  return {
    async put(key, body, options = {}, signal) {
      checkKey(key);
      signal?.throwIfAborted();
      const file = temporaryFile();
      try {
        prepare();
        if (options.ifAbsent && statFile(join(contents, key))) throw new PreconditionFailed(key);
        if (Buffer.isBuffer(body) && body.length <= SMALL_BYTES) {
          writeAtOnce(file, body, options, nextStamp());
        } else await writeStream(file, body, options, nextStamp(), signal);
        return publish(key, file, options);
      } catch (error) {
        if (!Buffer.isBuffer(body)) body.destroy();
        removeIfPossible(file);
        signal?.throwIfAborted();
        throw fileError('write', key, error);
      }
    },

    async copy(from, to, signal) {
      checkKey(from);
      checkKey(to);
      signal?.throwIfAborted();
      const source = join(contents, from);
      const stat = statFile(source);
      if (!stat) throw new StorageError(`cannot copy object '${from}': there is none`);
      const file = temporaryFile();
      try {
        prepare();
        // One content under two names. It is never written to: a put gives a name another content.
        fs.linkSync(source, file);
        publish(to, file, readExtra(join(extras, from, etagOf(stat))));
      } catch (error) {
        throw fileError('copy', from, error);
      } finally {
        // A rename does nothing where both are the same content already.
        removeIfPossible(file);
      }
    },

    async get(key, signal) {
      checkKey(key);
      signal?.throwIfAborted();
      try {
        const opened = openFile(join(contents, key));
        if (!opened) return undefined;
        const info = infoOf(key, opened.stat);
        return info.size <= SMALL_BYTES
          ? withBytes(info, readAtOnce(opened.fd, info.size))
          : withFile(info, opened.fd);
      } catch (error) {
        throw fileError('read', key, error);
      }
    },

    async head(key, signal) {
      checkKey(key);
      signal?.throwIfAborted();
      try {
        const stat = statFile(join(contents, key));
        return stat && infoOf(key, stat);
      } catch (error) {
        throw fileError('read', key, error);
      }
    },

    async *list(prefix, signal) {
      signal?.throwIfAborted();
      try {
        for (const key of pathsBelow(contents, prefix)) {
          signal?.throwIfAborted();
          const stat = statFile(join(contents, key));
          if (stat) yield infoOf(key, stat);
        }
      } catch (error) {
        signal?.throwIfAborted();
        throw fileError('list', prefix, error);
      }
    },

    async delete(key, signal) {
      checkKey(key);
      signal?.throwIfAborted();
      try {
        const file = join(contents, key);
        if (statFile(file)) fs.rmSync(file, { force: true });
        removeEmptyFolders(contents, dirname(file));
        fs.rmSync(join(extras, key), { recursive: true, force: true });
        removeEmptyFolders(extras, dirname(join(extras, key)));
      } catch (error) {
        throw fileError('delete', key, error);
      }
    },
  };
}

function withBytes(info: ObjectInfo, bytes: Buffer): StoredObject {
  return { ...info, bytes: async () => bytes, stream: () => Readable.from([bytes]) };
}

/** Holds the file open until it is read, so that it is the content that `info` tells of, whatever is put meanwhile. */
function withFile(info: ObjectInfo, fd: number): StoredObject {
  const stream = () => fs.createReadStream('', { fd });
  return { ...info, bytes: () => buffer(stream()), stream };
}

function readExtra(file: string): Extra {
  // Most contents have none, and an error that is thrown and caught costs more than all the rest of a read.
  if (!fs.existsSync(file)) return {};
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8')) as Extra;
  } catch (error) {
    if (isMissing(error) || error instanceof SyntaxError) return {};
    throw error;
  }
}

/** @returns true when nothing was kept beside this key before */
function writeExtra(file: string, { sha256, contentType, metadata }: Extra): boolean {
  if (!sha256 && !contentType && !metadata) return false;
  const made = fs.mkdirSync(dirname(file), { recursive: true });
  fs.writeFileSync(file, JSON.stringify({ sha256, contentType, metadata } satisfies Extra));
  return made !== undefined;
}

/** Removes what was kept beside earlier contents of the same key. */
function removeOtherExtras(file: string): void {
  const folder = dirname(file);
  if (!fs.existsSync(folder)) return;
  for (const name of fs.readdirSync(folder)) {
    if (join(folder, name) !== file) fs.rmSync(join(folder, name), { force: true });
  }
}

/** A temporary file that cannot be removed now goes with the leftovers; the error of the write is what matters. */
function removeIfPossible(file: string): void {
  try {
    fs.rmSync(file, { force: true });
  } catch {}
}
