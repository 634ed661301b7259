/** What a layer is compressed with, told by its first bytes: media types lie (OCI 9.6, decisions OCIRepository). */
import { pipeline } from 'node:stream/promises';
import * as zlib from 'node:zlib';
import { ArtifactError, quoted } from './artifact-error.ts';
import { BLOCK } from './tar-header.ts';
import { splitFrames, startsFrame } from './zstd-frames.ts';

export type Compression = 'gzip' | 'zstd' | 'none';

/** Bytes that tell. */
export const SNIFFED = BLOCK;
export const MAGIC = 4;

const GZIP_OPTIONS = { chunkSize: 128 * 1024 };
/** A frame may ask for a window of gigabytes; nobody who wants to be read everywhere takes more than 8 MiB. */
const LARGEST_WINDOW_LOG = 26;
const ZSTD_OPTIONS = {
  ...GZIP_OPTIONS,
  params: { [zlib.constants.ZSTD_d_windowLogMax]: LARGEST_WINDOW_LOG },
};

/** @param head the first `SNIFFED` bytes, or all there are @throws ArtifactError when it is no layer to extract */
export function compressionOf(head: Buffer, mediaType?: string): Compression {
  const compression = magicOf(head);
  if (compression !== 'none' || isTarBlock(head)) return compression;
  const layer = mediaType ? `the layer of type ${quoted(mediaType)}` : 'the layer';
  const what = head.length === 0 ? `${layer} is empty` : `${layer} starts with ${startOf(head)}`;
  throw new ArtifactError(
    'not-compressed',
    `requires gzip-compressed body (or zstd, or a plain tar archive): ${what}`,
  );
}

/** What the first bytes say; at least `MAGIC` of them. */
export function magicOf(head: Buffer): Compression {
  if (head.length >= 2 && head.readUInt16BE() === 0x1f8b) return 'gzip';
  return head.length >= MAGIC && startsFrame(head.readUInt32LE()) ? 'zstd' : 'none';
}

/**
 * All of it at once.
 * @returns undefined when that would be more than `limit` bytes, or cannot be done at once
 * @throws ArtifactError for damaged bytes
 */
export function decompressAtOnce(bytes: Buffer, compression: Compression, limit: number): Buffer | undefined {
  if (compression === 'none') return bytes.length > limit ? undefined : bytes;
  if (compression === 'zstd') return undefined;
  try {
    return zlib.gunzipSync(bytes, { maxOutputLength: limit });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') return undefined;
    throw damaged(error);
  }
}

/**
 * The uncompressed bytes, while the compressed ones come. These are read to their end, padding behind them included: only
 * then are they what the registry promised.
 * @throws ArtifactError for damaged bytes; what `chunks` throws
 */
export async function* decompress(
  chunks: AsyncIterable<Buffer>,
  compression: Exclude<Compression, 'none'>,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const gzip = compression === 'gzip';
  const stream = gzip ? zlib.createGunzip(GZIP_OPTIONS) : zlib.createZstdDecompress(ZSTD_OPTIONS);
  const done = pipeline(gzip ? chunks : splitFrames(chunks), stream, { signal });
  done.catch(() => {});
  try {
    yield* stream;
    await done;
  } catch (error) {
    throw /^Z(STD)?_/.test((error as NodeJS.ErrnoException).code ?? '') ? damaged(error) : error;
  } finally {
    stream.destroy();
  }
}

/** What a decompressor threw. */
function damaged(error: unknown): ArtifactError {
  return new ArtifactError('malformed', `the layer cannot be decompressed: ${(error as Error).message}`, {
    cause: error,
  });
}

/** Whether a block is the header of a tar: its checksum fits. Nothing but zeros is an empty archive. */
function isTarBlock(head: Buffer): boolean {
  if (head.length < BLOCK) return false;
  let sum = 8 * 0x20;
  for (let index = 0; index < BLOCK; index++) if (index < 148 || index >= 156) sum += head[index]!;
  if (sum === 8 * 0x20) return head.readBigUInt64BE(148) === 0n;
  return Number.parseInt(head.toString('latin1', 148, 156).replace(/^[ \0]+/, ''), 8) === sum;
}

/** The first bytes as a person can read them. */
function startOf(head: Buffer): string {
  return JSON.stringify(head.toString('latin1', 0, 16).replace(/[^\x20-\x7e]/g, '.'));
}
