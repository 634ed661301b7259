/** The file of an artifact while it grows: its digest and size are known when its last byte is written. */
import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { Spool } from './spool.ts';

export class ArtifactFile {
  readonly #spool: Spool;
  readonly #hash = createHash('sha256');

  /** @param folder for the temporary file of a large one; none: the system's folder for them */
  constructor(folder: string | undefined) {
    this.#spool = new Spool(folder);
  }

  append(chunk: Buffer): void {
    this.#hash.update(chunk);
    this.#spool.append(chunk);
  }

  /** Ends the file. @returns its size in bytes and its SHA-256 in lower-case hex */
  finish(): { size: number; sha256: string } {
    return { size: this.#spool.length, sha256: this.#hash.digest('hex') };
  }

  body(): Buffer | Readable {
    return this.#spool.body();
  }

  dispose(): void {
    this.#spool.dispose();
  }
}
