/** What goes wrong with files, in words for people. */
import { StorageError } from './object-store.ts';

const CAUSES: Record<string, string> = {
  ENOSPC: 'no space is left on the disk',
  EDQUOT: 'the disk quota is used up',
  EROFS: 'the file system is read-only',
  EACCES: 'permission denied',
  EPERM: 'the operation is not permitted',
  ENOTDIR: 'a part of the key is an object itself',
  EISDIR: 'other objects are below the key',
  ENOTEMPTY: 'other objects are below the key',
  ENAMETOOLONG: 'the key is too long for the file system',
  EMFILE: 'too many files are open',
  ENFILE: 'too many files are open',
  EIO: 'the disk reports an error',
};

/** The `StorageError` for what a file operation threw; one that is a `StorageError` already stays as it is. */
export function fileError(
  verb: 'read' | 'write' | 'copy' | 'delete' | 'list',
  key: string,
  error: unknown,
): StorageError {
  if (error instanceof StorageError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  const cause = (code && CAUSES[code]) ?? message;
  return new StorageError(`cannot ${verb} object '${key}': ${cause}${code ? ` (${code})` : ''}`, {
    cause: error,
  });
}

/** Nothing is there. Also so where a part of the path is a file: then nothing can be below it. */
export function isMissing(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ENOTDIR';
}
