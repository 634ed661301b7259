/** The file operations of `directory.ts`: each does one thing to one path. Synchronous where `directory.ts` says why. */
import { createHash, hash } from 'node:crypto';
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Clock } from '../runtime/clock.ts';
import { isMissing } from './file-error.ts';
import { type PutOptions, StorageError } from './object-store.ts';

/** Changes with every content: `createStamps` never gives two files the same time. */
export function etagOf(stat: fs.BigIntStats): string {
  return `${stat.mtimeNs.toString(36)}-${stat.size.toString(36)}`;
}

/** Times for files, in seconds, each at least a microsecond later than the one before. */
export function createStamps(clock: Clock): () => number {
  let last = 0;
  return () => {
    last = Math.max(clock.now() * 1000, last + 1);
    return last / 1e6;
  };
}

/** @throws StorageError when `body` is not what `expected` says */
export function writeAtOnce(file: string, body: Buffer, expected: PutOptions, stamp: number): void {
  checkContent(expected, body.length, () => hash('sha256', body));
  const fd = fs.openSync(file, 'wx');
  try {
    for (let at = 0; at < body.length; ) at += fs.writeSync(fd, body, at);
    fs.futimesSync(fd, stamp, stamp);
  } finally {
    fs.closeSync(fd);
  }
}

/** @throws StorageError when what came is not what `expected` says */
export async function writeStream(
  file: string,
  body: Buffer | Readable,
  expected: PutOptions,
  stamp: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const digest = expected.sha256 ? createHash('sha256') : undefined;
  let size = 0;
  const source = Buffer.isBuffer(body) ? Readable.from([body]) : body;
  const count = async function* (chunks: AsyncIterable<Buffer>) {
    for await (const chunk of chunks) {
      size += chunk.length;
      digest?.update(chunk);
      yield chunk;
    }
  };
  await pipeline(source, count, fs.createWriteStream(file, { flags: 'wx' }), { signal });
  checkContent(expected, size, () => digest!.digest('hex'));
  fs.utimesSync(file, stamp, stamp);
}

function checkContent(expected: PutOptions, size: number, sha256: () => string): void {
  if (expected.size !== undefined && expected.size !== size) {
    throw new StorageError(`the content has ${size} bytes instead of ${expected.size}`);
  }
  if (expected.sha256 !== undefined && expected.sha256 !== sha256()) {
    throw new StorageError(`the content does not have the SHA-256 ${expected.sha256}`);
  }
}

/** An open file and what it is; undefined: there is no file. */
export function openFile(file: string): { fd: number; stat: fs.BigIntStats } | undefined {
  let fd: number;
  try {
    fd = fs.openSync(file, 'r');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  const stat = fs.fstatSync(fd, { bigint: true });
  if (stat.isFile()) return { fd, stat };
  fs.closeSync(fd);
  return undefined;
}

/** The whole content; closes the file. */
export function readAtOnce(fd: number, size: number): Buffer {
  const bytes = Buffer.allocUnsafe(size);
  try {
    let at = 0;
    for (let read = -1; at < size && read !== 0; at += read)
      read = fs.readSync(fd, bytes, at, size - at, null);
    return bytes.subarray(0, at);
  } finally {
    fs.closeSync(fd);
  }
}

/** The file's own data, without opening it; undefined: there is no file. */
export function statFile(file: string): fs.BigIntStats | undefined {
  try {
    const stat = fs.statSync(file, { bigint: true, throwIfNoEntry: false });
    return stat?.isFile() ? stat : undefined;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/**
 * Puts the file `from` under the path `to`, making its folders; nothing is left under `from`.
 * @param ifAbsent only where nothing is; @returns false when something was
 */
export function moveFile(from: string, to: string, ifAbsent: boolean): boolean {
  const move = ifAbsent ? fs.linkSync : fs.renameSync;
  // An error that is thrown and caught costs more than this look.
  if (!fs.existsSync(dirname(to))) fs.mkdirSync(dirname(to), { recursive: true });
  for (let attempt = 1; ; attempt++) {
    try {
      move(from, to);
      if (ifAbsent) fs.unlinkSync(from);
      return true;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (ifAbsent && code === 'EEXIST') return false;
      // A delete of another process has just removed the folder because it was empty.
      if (code !== 'ENOENT' || attempt > 3) throw error;
      fs.mkdirSync(dirname(to), { recursive: true });
    }
  }
}

/** Removes `folder` and the folders above it, up to `root`, as long as they are empty. */
export function removeEmptyFolders(root: string, folder: string): void {
  for (let at = folder; at.length > root.length; at = dirname(at)) {
    try {
      fs.rmdirSync(at);
    } catch {
      return;
    }
  }
}

/** Removes files of `folder` that nobody has written to since `before` (milliseconds since 1970). */
export function removeOldFiles(folder: string, before: number): void {
  for (const name of fs.readdirSync(folder)) {
    const stat = statFile(join(folder, name));
    if (stat && Number(stat.mtimeMs) < before) fs.rmSync(join(folder, name), { force: true });
  }
}

/** Paths of the files below `folder` that start with `prefix`, ordered by their bytes, joined by `/`. */
export function pathsBelow(folder: string, prefix: string): Generator<string> {
  // The folders of the prefix hold them all: what is beside them, thousands of others perhaps, is not read.
  return walk(folder, prefix, prefix.slice(0, prefix.lastIndexOf('/') + 1));
}

function* walk(folder: string, prefix: string, inside: string): Generator<string> {
  let entries: fs.Dirent[];
  try {
    entries = fs.readdirSync(join(folder, inside), { withFileTypes: true });
  } catch (error) {
    if (isMissing(error)) return;
    throw error;
  }
  // With its slash a folder sorts where the paths below it belong.
  const paths = entries.map((entry) => `${inside}${entry.name}${entry.isDirectory() ? '/' : ''}`).sort();
  for (const path of paths) {
    if (!path.endsWith('/')) {
      if (path.startsWith(prefix)) yield path;
    } else if (path.startsWith(prefix)) yield* walk(folder, prefix, path);
  }
}
