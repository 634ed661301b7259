/**
 * Object store in a folder, for one process at a time: the embedded default.
 *
 *     objects/<key>    the content: the very bytes that were put
 *     info/<etag>      what else was given with them: SHA-256, content type, metadata; only then there is a file
 *     temp/            what is being written
 *
 * A content becomes visible whole, by rename or link. What is beside it is found by its etag, so that no reader sees
 * a mixture, and a copy, which is a second name of the same file, needs nothing beside it. Nothing is flushed to the disk (fsync): what is here can be made again, and a loss of power that cuts a
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
    for (const part of [extras, temporary]) fs.mkdirSync(part, { recursive: true });
    removeOldFiles(temporary, clock.now() - LEFTOVER_MS);
    prepared = true;
  }

  const temporaryFile = () => join(temporary, randomBytes(12).toString('base64url'));

  const extraOf = (stat: fs.BigIntStats) => join(extras, etagOf(stat));

  function infoOf(key: string, stat: fs.BigIntStats, extra: Extra = readExtra(extraOf(stat))): ObjectInfo {
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

  /** Keeps what was given with a finished temporary file. */
  function keepBeside(file: string, options: PutOptions): fs.BigIntStats {
    for (;;) {
      const stat = fs.statSync(file, { bigint: true });
      if (writeExtra(extraOf(stat), options)) return stat;
      // Somebody has this etag: the clock was set back, or what a crash left beside a content that never came.
      const stamp = nextStamp();
      fs.utimesSync(file, stamp, stamp);
    }
  }

  /** Makes a finished temporary file the content of `key`. Must not wait: see the head of this file. */
  function publish(key: string, file: string, { ifAbsent, ifMatch }: PutOptions): void {
    const before = ifAbsent ? undefined : statFile(join(contents, key));
    const matches = ifMatch === undefined || (before !== undefined && etagOf(before) === ifMatch);
    if (!matches || !moveFile(file, join(contents, key), !!ifAbsent)) throw new PreconditionFailed(key);
    if (before) dropExtra(before);
  }

  /** Removes what is beside a content whose file had `stat` before it lost a name. */
  function dropExtra(stat: fs.BigIntStats): void {
    if (stat.nlink === 1n) fs.rmSync(extraOf(stat), { force: true });
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
        const stat = keepBeside(file, options);
        try {
          publish(key, file, options);
        } catch (error) {
          dropExtra(stat);
          throw error;
        }
        return infoOf(key, stat, options);
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
      if (!statFile(source)) throw new StorageError(`cannot copy object '${from}': there is none`);
      const file = temporaryFile();
      try {
        prepare();
        // One content under two names. It is never written to: a put gives a name another content.
        fs.linkSync(source, file);
        publish(to, file, {});
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
        const stat = statFile(file);
        if (stat) {
          fs.rmSync(file, { force: true });
          dropExtra(stat);
        }
        removeEmptyFolders(contents, dirname(file));
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

/** Nothing was given: nothing is written. @returns false when there is something for this etag already */
function writeExtra(file: string, { sha256, contentType, metadata }: Extra): boolean {
  if (!sha256 && !contentType && !metadata) return !fs.existsSync(file);
  try {
    fs.writeFileSync(file, JSON.stringify({ sha256, contentType, metadata } satisfies Extra), { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** A temporary file that cannot be removed now goes with the leftovers; the error of the write is what matters. */
function removeIfPossible(file: string): void {
  try {
    fs.rmSync(file, { force: true });
  } catch {}
}
