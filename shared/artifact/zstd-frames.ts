/**
 * Where the frames of a zstd stream end (RFC 8878). A layer may have many, with others among them that hold no content;
 * Node's decompressor stops for good when one ends in the middle of a chunk, and tells nobody.
 */
import { ArtifactError } from './artifact-error.ts';

const FRAME = 0xfd2fb528;
const SKIPPABLE = 0x184d2a50;
const RLE_BLOCK = 1;

/** Whether four bytes, read as a little-endian number, start a frame. */
export function startsFrame(magic: number): boolean {
  return magic === FRAME || isSkippable(magic);
}

function isSkippable(magic: number): boolean {
  return (magic & 0xfffffff0) >>> 0 === SKIPPABLE;
}

/**
 * Cuts chunks so that no piece reaches from one frame into the next.
 * @throws ArtifactError for what is no frame; what `chunks` throws
 */
export async function* splitFrames(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const frames = new FrameWalk();
  for await (const chunk of chunks) {
    let start = 0;
    for (let at = 0; at < chunk.length; ) {
      at = frames.step(chunk, at);
      if (!frames.betweenFrames) continue;
      yield chunk.subarray(start, at);
      start = at;
    }
    if (start < chunk.length) yield chunk.subarray(start);
  }
}

/** `skipped`: the length of a frame without content. */
type HeaderName = 'magic' | 'descriptor' | 'block' | 'skipped';

/** Follows the headers of frames and blocks; everything else is stepped over. */
class FrameWalk {
  readonly #header = Buffer.alloc(4);
  #held = 0;
  /** Bytes that the next header has. */
  #needed = 4;
  #next: HeaderName = 'magic';
  /** Bytes to step over before it. */
  #over = 0;
  #checksum = 0;

  get betweenFrames(): boolean {
    return this.#next === 'magic' && this.#over === 0 && this.#held === 0;
  }

  /** @returns the position behind what was looked at: at least one byte more */
  step(chunk: Buffer, at: number): number {
    if (this.#over > 0) {
      const length = Math.min(this.#over, chunk.length - at);
      this.#over -= length;
      return at + length;
    }
    this.#header[this.#held++] = chunk[at]!;
    if (this.#held === this.#needed) {
      this.#held = 0;
      this.#read();
    }
    return at + 1;
  }

  #read(): void {
    const header = this.#header;
    if (this.#next === 'magic') this.#readMagic(header.readUInt32LE());
    else if (this.#next === 'skipped') this.#expect('magic', 4, header.readUInt32LE());
    else if (this.#next === 'descriptor') this.#readDescriptor(header[0]!);
    else this.#readBlock(header.readUIntLE(0, 3));
  }

  #readMagic(magic: number): void {
    if (isSkippable(magic)) this.#expect('skipped', 4, 0);
    else if (magic === FRAME) this.#expect('descriptor', 1, 0);
    else {
      throw new ArtifactError(
        'malformed',
        'the layer cannot be decompressed: no zstd frame behind the last one',
      );
    }
  }

  /** Of a frame: how long the rest of its header is. */
  #readDescriptor(descriptor: number): void {
    const singleSegment = (descriptor & 0x20) !== 0;
    const dictionary = [0, 1, 2, 4][descriptor & 3]!;
    const contentSize = [singleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6]!;
    this.#checksum = (descriptor & 4) === 0 ? 0 : 4;
    this.#expect('block', 3, (singleSegment ? 0 : 1) + dictionary + contentSize);
  }

  #readBlock(header: number): void {
    const last = (header & 1) !== 0;
    const size = ((header >> 1) & 3) === RLE_BLOCK ? 1 : header >> 3;
    if (last) this.#expect('magic', 4, size + this.#checksum);
    else this.#expect('block', 3, size);
  }

  /** The header that comes next, its length, and what stands before it. */
  #expect(next: HeaderName, needed: number, over: number): void {
    this.#next = next;
    this.#needed = needed;
    this.#over = over;
  }
}
