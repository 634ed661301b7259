/** A layer becomes the file of an artifact (OCI 12 to 15): unpacked and packed again, or as it is. */
import { addAbortListener } from 'node:events';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Settings } from '../runtime/settings.ts';
import { archive, archiveAtOnce } from './archive.ts';
import { ArtifactFile, type DigestAlgorithm } from './artifact-file.ts';
import { compressionOf, decompress, decompressAtOnce, SNIFFED } from './decompression.ts';
import { createGzip, gzipAtOnce, withoutSystem } from './gzip.ts';
import { LayerBytes } from './layer-bytes.ts';
import { createLayerReader, type LayerLimits, type LayerReader } from './layer-reader.ts';
import { LeftOut } from './left-out.ts';
import { Spool } from './spool.ts';

/** Layers of at most so many bytes, with at most so much in them, are worked off at once, without streams. */
const SMALL_LAYER = 64 * 1024;
const SMALL_CONTENT = 512 * 1024;

export interface ArtifactOptions {
  operation: 'extract' | 'copy';
  /** Text of `spec.ignore`; only for `extract`. */
  ignore?: string | undefined;
  limits: LayerLimits;
  /** Bytes of the layer as its descriptor says; another length is a failure. */
  size?: number | undefined;
  /** What the manifest calls the layer, for messages. */
  mediaType?: string | undefined;
  /** Of the digest that consumers are told; SHA-256 when left out. */
  algorithm?: DigestAlgorithm;
  /** Folder for temporary files, for what has more than a few MiB; none: the system's folder for them. */
  spool?: string | undefined;
}

/** The file of an artifact. `dispose` frees what it holds; until then `body` may be asked for again and again. */
export interface ProducedArtifact {
  /** Bytes. */
  size: number;
  /** SHA-256 of the bytes in lower-case hex. */
  sha256: string;
  /** `<algorithm>:<hex>`, as consumers are told. */
  digest: string;
  body(): Buffer | Readable;
  leftOut: LeftOut;
  dispose(): void;
}

/** What the settings allow. */
export function layerLimits(
  settings: Pick<Settings, 'max-layer-bytes' | 'max-extracted-bytes' | 'max-extracted-entries'>,
): LayerLimits {
  return {
    layerBytes: settings['max-layer-bytes'],
    extractedBytes: settings['max-extracted-bytes'],
    extractedEntries: settings['max-extracted-entries'],
  };
}

/**
 * Reads a layer once, to its end, and makes the file of its artifact. Memory stays bounded whatever the layer holds.
 * @param layer its bytes; whoever verifies their digest ends the stream with an error, which is thrown unchanged. It is
 *   read to its end or destroyed
 * @throws ArtifactError when no artifact can be made of the layer; the signal's reason when it aborts
 */
export async function produceArtifact(
  layer: Readable,
  options: ArtifactOptions,
  signal: AbortSignal,
): Promise<ProducedArtifact> {
  // Until it is read, nobody else listens.
  layer.on('error', () => {});
  const aborted = addAbortListener(signal, () => layer.destroy(signal.reason));
  const file = new ArtifactFile(options.spool, options.algorithm ?? 'sha256');
  const leftOut = new LeftOut();
  try {
    const bytes = new LayerBytes(layer, options.limits.layerBytes, options.size);
    if (options.operation === 'copy') for await (const chunk of bytes.chunks()) file.append(chunk);
    else await extract(bytes, file, leftOut, options, signal);
    signal.throwIfAborted();
    return { ...file.finish(), body: () => file.body(), leftOut, dispose: () => file.dispose() };
  } catch (error) {
    file.dispose();
    throw signal.aborted ? signal.reason : error;
  } finally {
    aborted[Symbol.dispose]();
    layer.destroy();
  }
}

async function extract(
  bytes: LayerBytes,
  file: ArtifactFile,
  leftOut: LeftOut,
  options: ArtifactOptions,
  signal: AbortSignal,
): Promise<void> {
  const spool = new Spool(options.spool);
  try {
    const reader = await createLayerReader(spool, options.limits);
    const small = await readLayer(bytes, reader, options.mediaType, signal);
    for (const link of reader.links) leftOut.addLink(link);
    const tree = { root: reader.tree.root, spool, ignore: options.ignore };
    if (small) file.append(gzipAtOnce(archiveAtOnce(tree, leftOut)));
    else {
      const pieces = Readable.from(archive(tree, leftOut, signal), { highWaterMark: 1 });
      const write = async (chunks: AsyncIterable<Buffer>) => {
        for await (const chunk of withoutSystem(chunks)) file.append(chunk);
      };
      await pipeline(pieces, createGzip(), write, { signal });
    }
  } finally {
    spool.dispose();
  }
}

/** Fills the reader's tree. @returns whether the layer is a small one */
async function readLayer(
  bytes: LayerBytes,
  reader: LayerReader,
  mediaType: string | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  const { head, whole } = await bytes.head(SMALL_LAYER);
  const compression = compressionOf(head.subarray(0, SNIFFED), mediaType);
  const content = whole ? decompressAtOnce(head, compression, SMALL_CONTENT) : undefined;
  if (content) reader.write(content);
  else {
    const chunks = compression === 'none' ? bytes.chunks() : decompress(bytes.chunks(), compression, signal);
    for await (const chunk of chunks) reader.write(chunk);
  }
  reader.end();
  return content !== undefined;
}
