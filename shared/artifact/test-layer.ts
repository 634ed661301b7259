/** Layers for tests, and what becomes of them. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import * as zlib from 'node:zlib';
import { Header, type HeaderData } from 'tar/header';
import { Pax } from 'tar/pax';
import { ArtifactError, type ArtifactErrorCode } from './artifact-error.ts';
import type { LeftOut } from './left-out.ts';
import { type ArtifactOptions, produceArtifact } from './produce-artifact.ts';

/** One entry as it stands in a layer; `tar` writes it, which shares no code with the archives that we write. */
export interface LayerEntry extends Omit<HeaderData, 'size'> {
  path: string;
  content?: string | Buffer;
}

export const MIB = 1024 * 1024;
export const LIMITS = { layerBytes: 100 * MIB, extractedBytes: 500 * MIB, extractedEntries: 100_000 };

const END = Buffer.alloc(1024);

/** An uncompressed tar archive. */
export function tarOf(entries: LayerEntry[]): Buffer {
  return Buffer.concat([...entries.flatMap(blocksOf), END]);
}

function blocksOf({ content = '', ...fields }: LayerEntry): Buffer[] {
  const data = Buffer.from(content);
  const all = {
    type: 'File',
    mode: 0o644,
    mtime: new Date(1e12),
    size: data.length,
    ...fields,
  } as const;
  const header = new Header(all);
  const blocks = header.encode() ? [new Pax({ path: all.path }).encode()] : [];
  return [...blocks, header.block!, data, Buffer.alloc((512 - (data.length % 512)) % 512)];
}

/** Text files by path. */
export function filesOf(files: Record<string, string | Buffer>): LayerEntry[] {
  return Object.entries(files).map(([path, content]) => ({ path, content }));
}

export type ProduceOptions = Partial<ArtifactOptions> & { chunk?: number; signal?: AbortSignal };

export interface Produced {
  /** The file of the artifact. */
  file: Buffer;
  size: number;
  sha256: string;
  digest: string;
  leftOut: LeftOut;
}

/** Entries of a layer, one by one. */
export const file = (path: string, content = 'x'): LayerEntry => ({ path, content });
export const link = (path: string, linkpath: string): LayerEntry => ({
  path,
  type: 'SymbolicLink',
  linkpath,
});
export const hardLink = (path: string, linkpath: string): LayerEntry => ({ path, type: 'Link', linkpath });

/** One record of an extended header. */
export function record(key: string, value: string): string {
  const length = Buffer.byteLength(` ${key}=${value}\n`);
  return `${length + String(length + 2).length} ${key}=${value}\n`;
}

/** Bytes that no compression makes smaller, always the same for a seed. */
export function noise(length: number, seed = 0): Buffer {
  return createHash('shake256', { outputLength: length }).update(String(seed)).digest();
}

/** Makes the artifact of a layer that comes in chunks of `chunk` bytes. */
export async function produce(layer: Buffer, options: ProduceOptions = {}): Promise<Produced> {
  const { chunk = 64 * 1024, signal = new AbortController().signal, ...rest } = options;
  const chunks = Array.from({ length: Math.ceil(layer.length / chunk) }, (_, index) =>
    layer.subarray(index * chunk, (index + 1) * chunk),
  );
  const artifact = await produceArtifact(
    Readable.from(chunks, { objectMode: false }),
    { operation: 'extract', limits: LIMITS, ...rest },
    signal,
  );
  try {
    const body = artifact.body();
    const file = Buffer.isBuffer(body) ? body : Buffer.concat(await body.toArray());
    const { size, sha256, digest, leftOut } = artifact;
    return { file: Buffer.from(file), size, sha256, digest, leftOut };
  } finally {
    artifact.dispose();
  }
}

/** The uncompressed archive of an artifact of `entries`. */
export async function archiveOf(entries: LayerEntry[], options?: ProduceOptions): Promise<Buffer> {
  return zlib.gunzipSync((await produce(zlib.gzipSync(tarOf(entries)), options)).file);
}

/** Paths in an uncompressed archive, in its order. */
export function pathsIn(archive: Buffer): string[] {
  return headersIn(archive).map(({ path }) => path!);
}

/** The content of each file in an uncompressed archive, by path. */
export function contentsIn(archive: Buffer): Record<string, string> {
  const files = headersIn(archive).filter(({ type }) => type === 'File');
  return Object.fromEntries(
    files.map(({ path, size, at }) => [path!, archive.toString('utf8', at, at + size!)]),
  );
}

/** Headers one after the other, each with the position of its content. */
export function headersIn(archive: Buffer): (Header & { at: number })[] {
  const found: (Header & { at: number })[] = [];
  let extended: Pax | undefined;
  for (let at = 0; at < archive.length; ) {
    const header = new Header(archive, at, extended);
    at += 512;
    if (header.nullBlock) continue;
    assert.ok(header.cksumValid, `checksum of ${header.path}`);
    const size = header.size ?? 0;
    if (header.type === 'ExtendedHeader') extended = Pax.parse(archive.toString('utf8', at, at + size));
    else {
      found.push(Object.assign(header, { at }));
      extended = undefined;
    }
    at += Math.ceil(size / 512) * 512;
  }
  return found;
}

/** Checks that no artifact can be made of `layer`, for the reason given. */
export async function refuses(
  layer: Buffer,
  code: ArtifactErrorCode,
  message: RegExp,
  options?: ProduceOptions,
): Promise<void> {
  await assert.rejects(produce(layer, options), (error: unknown) => {
    assert.ok(error instanceof ArtifactError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    assert.doesNotMatch(error.message, /\n/);
    return true;
  });
}
