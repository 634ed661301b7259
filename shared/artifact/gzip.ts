/** Compression of an archive (OCI 15.3): the same archive gives the same bytes, at once or piece by piece. */
import type { Transform } from 'node:stream';
import * as zlib from 'node:zlib';

/** Fixed for good: another level, or other memory, gives other bytes. */
const OPTIONS = { level: 6, windowBits: 15, memLevel: 8 };

const SYSTEM_BYTE = 9;
/** zlib names the system it was built for; what we write is the same everywhere. */
const UNKNOWN_SYSTEM = 0xff;

export function gzipAtOnce(archive: Buffer): Buffer {
  const bytes = zlib.gzipSync(archive, OPTIONS);
  bytes[SYSTEM_BYTE] = UNKNOWN_SYSTEM;
  return bytes;
}

export function createGzip(): Transform {
  return zlib.createGzip({ ...OPTIONS, chunkSize: 64 * 1024 });
}

/** What `createGzip` gives out, with the header that `gzipAtOnce` writes. */
export async function* withoutSystem(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let at = 0;
  for await (const chunk of chunks) {
    if (at <= SYSTEM_BYTE && SYSTEM_BYTE < at + chunk.length) chunk[SYSTEM_BYTE - at] = UNKNOWN_SYSTEM;
    at += chunk.length;
    yield chunk;
  }
}
