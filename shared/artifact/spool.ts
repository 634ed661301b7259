/** Bytes that are written once, in order, and read again: in memory while they are few, then in a temporary file. */
import { randomUUID } from 'node:crypto';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { ArtifactError } from './artifact-error.ts';

/** So much of one spool stays in memory; also the size of the writes to the file. */
const IN_MEMORY = 2 * 1024 * 1024;
/** So much of all of them: a process works on hundreds of objects at a time. What comes later writes smaller pieces. */
const ALL_IN_MEMORY = 64 * 1024 * 1024;
/** These every spool gets. */
const SMALLEST_BUFFER = 8 * 1024;
const GRANTED_BUFFER = 64 * 1024;
/** What `body` hands out at a time. */
const PIECE = 128 * 1024;

/** Bytes of the buffers of all spools. */
let allocated = 0;

/**
 * File operations are synchronous: a temporary file is a copy into the page cache, quicker than a trip to the thread
 * pool, and callers hand over pieces of at most some hundred KiB between two turns of the event loop.
 * Every method throws an `ArtifactError` of code `scratch` when the folder fails.
 */
export class Spool {
  readonly #folder: string | undefined;
  /** The last bytes: those from `#flushed` on. */
  #buffer: Buffer = Buffer.alloc(0);
  #flushed = 0;
  #length = 0;
  #fd: number | undefined;

  /** @param folder where the temporary file is made, once it is needed; none: the system's folder for them */
  constructor(folder: string | undefined) {
    this.#folder = folder;
  }

  /** How many bytes were written. */
  get length(): number {
    return this.#length;
  }

  /** Copies `bytes` to the end. */
  append(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; ) {
      const held = this.#length - this.#flushed;
      this.#grow(held, bytes.length - at);
      const taken = Math.min(bytes.length - at, this.#buffer.length - held);
      if (taken === 0) {
        this.#flush();
        continue;
      }
      bytes.copy(this.#buffer, held, at, at + taken);
      this.#length += taken;
      at += taken;
    }
  }

  /** Copies `length` bytes, from position `from` on, to `target` at `at`. They must have been written. */
  read(target: Buffer, at: number, from: number, length: number): void {
    const inFile = Math.max(0, Math.min(length, this.#flushed - from));
    if (inFile > 0) this.#readFile(target, at, from, inFile);
    if (inFile === length) return;
    const start = from + inFile - this.#flushed;
    this.#buffer.copy(target, at + inFile, start, start + length - inFile);
  }

  /** Everything: the bytes themselves while they are in memory, else a stream. May be asked for again. */
  body(): Buffer | Readable {
    if (this.#fd === undefined) return this.#buffer.subarray(0, this.#length);
    this.#flush();
    return Readable.from(this.#pieces(), { objectMode: false });
  }

  /** Frees memory and disk. A stream of `body` that is still being read ends with an error. */
  dispose(): void {
    if (this.#fd !== undefined) fs.closeSync(this.#fd);
    this.#fd = undefined;
    this.#resize(0, 0);
    this.#length = 0;
    this.#flushed = 0;
  }

  /**
   * Not a stream of `fs`, which would close the file when its reader gives up: somebody else may have got its number by the
   * time we close it ourselves.
   */
  *#pieces(): Generator<Buffer> {
    for (let at = 0; at < this.#length; at += PIECE) {
      const piece = Buffer.allocUnsafe(Math.min(PIECE, this.#length - at));
      this.read(piece, 0, at, piece.length);
      yield piece;
      if (this.#fd === undefined)
        throw new ArtifactError('scratch', 'the artifact was given up while it was read');
    }
  }

  /** Makes room for `more` bytes behind those that are held, as far as there may be. */
  #grow(held: number, more: number): void {
    const size = this.#buffer.length;
    if (held + more <= size || size === IN_MEMORY) return;
    const wanted = Math.min(IN_MEMORY, Math.max(held + more, size * 2, SMALLEST_BUFFER));
    const granted = Math.max(Math.min(wanted, GRANTED_BUFFER), size);
    const next = allocated - size + wanted <= ALL_IN_MEMORY ? wanted : granted;
    if (next > size) this.#resize(held, next);
  }

  #resize(held: number, size: number): void {
    const buffer = Buffer.allocUnsafe(size);
    this.#buffer.copy(buffer, 0, 0, held);
    allocated += size - this.#buffer.length;
    this.#buffer = buffer;
  }

  #flush(): void {
    const folder = this.#folder ?? tmpdir();
    try {
      this.#fd ??= openNameless(folder);
      const held = this.#length - this.#flushed;
      for (let at = 0; at < held; ) at += fs.writeSync(this.#fd, this.#buffer, at, held - at);
      this.#flushed = this.#length;
    } catch (error) {
      throw scratchError(`write to the temporary folder ${folder}`, error);
    }
  }

  #readFile(target: Buffer, at: number, from: number, length: number): void {
    try {
      for (let done = 0; done < length; ) {
        const read = fs.readSync(this.#fd!, target, at + done, length - done, from + done);
        if (read === 0) throw new Error('a temporary file became shorter');
        done += read;
      }
    } catch (error) {
      throw scratchError('read a temporary file', error);
    }
  }
}

/** The file has no name any more when this returns: whatever happens to the process, nothing is left of it. */
function openNameless(folder: string): number {
  const file = join(folder, `longshore-${randomUUID()}`);
  const fd = fs.openSync(file, 'wx+', 0o600);
  fs.unlinkSync(file);
  return fd;
}

function scratchError(what: string, error: unknown): ArtifactError {
  return new ArtifactError('scratch', `cannot ${what}: ${(error as Error).message}`, { cause: error });
}
