/** The file of an artifact while it grows: its digests and size are known when its last byte is written. */
import { createHash, type Hash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { Spool } from './spool.ts';

/** Algorithms of the digest that consumers are told (OCI 15.3). */
export type DigestAlgorithm = 'sha256' | 'sha384' | 'sha512';

export class ArtifactFile {
  readonly #spool: Spool;
  readonly #sha256 = createHash('sha256');
  readonly #algorithm: DigestAlgorithm;
  /** The store wants a SHA-256 whatever consumers are told; undefined: it is the same. */
  readonly #other: Hash | undefined;

  /** @param folder for the temporary file of a large one; none: the system's folder for them */
  constructor(folder: string | undefined, algorithm: DigestAlgorithm) {
    this.#spool = new Spool(folder);
    this.#algorithm = algorithm;
    if (algorithm !== 'sha256') this.#other = createHash(algorithm);
  }

  append(chunk: Buffer): void {
    this.#sha256.update(chunk);
    this.#other?.update(chunk);
    this.#spool.append(chunk);
  }

  /** Ends the file. @returns its size in bytes, its SHA-256 in lower-case hex, and `<algorithm>:<hex>` */
  finish(): { size: number; sha256: string; digest: string } {
    const sha256 = this.#sha256.digest('hex');
    const hex = this.#other?.digest('hex') ?? sha256;
    return { size: this.#spool.length, sha256, digest: `${this.#algorithm}:${hex}` };
  }

  body(): Buffer | Readable {
    return this.#spool.body();
  }

  dispose(): void {
    this.#spool.dispose();
  }
}
