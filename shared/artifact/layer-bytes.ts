/** The bytes of a layer as they come: counted against limit and descriptor, with a look at the first of them. */
import type { Readable } from 'node:stream';
import { ArtifactError } from './artifact-error.ts';
import { ADVICE } from './file-tree.ts';

export class LayerBytes {
  readonly #chunks: AsyncIterator<Buffer>;
  readonly #limit: number;
  readonly #size: number | undefined;
  #head: Buffer[] = [];
  #count = 0;

  /**
   * @param limit most bytes that are taken
   * @param size bytes as the descriptor says, where known
   * @throws ArtifactError when the descriptor alone says that it is too much
   */
  constructor(layer: Readable, limit: number, size: number | undefined) {
    this.#chunks = layer[Symbol.asyncIterator]();
    this.#limit = limit;
    this.#size = size;
    if (size !== undefined && size > limit) throw this.#tooLarge();
  }

  /** The first chunks, more than `limit` bytes of them or all there are. `chunks` gives them again. */
  async head(limit: number): Promise<{ head: Buffer; whole: boolean }> {
    let length = 0;
    let next: Buffer | undefined;
    do {
      next = await this.#next();
      if (next) this.#head.push(next);
      length += next?.length ?? 0;
    } while (next && length <= limit);
    const [only] = this.#head;
    const head = this.#head.length === 1 ? only! : Buffer.concat(this.#head);
    return { head, whole: !next };
  }

  /** All of them, to the end. @throws ArtifactError when they are too many, or others than the descriptor says */
  async *chunks(): AsyncGenerator<Buffer> {
    yield* this.#head;
    this.#head = [];
    for (let next = await this.#next(); next; next = await this.#next()) yield next;
  }

  async #next(): Promise<Buffer | undefined> {
    const { value, done } = await this.#chunks.next();
    if (!done) this.#count += value.length;
    if (this.#count > this.#limit) throw this.#tooLarge();
    if (this.#size === undefined || (done ? this.#count === this.#size : this.#count <= this.#size)) {
      return done ? undefined : value;
    }
    const count = done ? `${this.#count} bytes` : 'more bytes';
    throw new ArtifactError('malformed', `the layer has ${count}, its descriptor says ${this.#size}`);
  }

  #tooLarge(): ArtifactError {
    return new ArtifactError(
      'limit',
      `the layer has ${this.#size ?? 'more'} bytes, at most ${this.#limit} are taken (max-layer-bytes): ${ADVICE}`,
    );
  }
}
