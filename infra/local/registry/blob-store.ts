/** Content by digest: blobs and manifests of all repositories, in memory or in a folder. */
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { digestVerifier } from './digest.ts';

/** Content that is being received. */
export interface BlobWriter {
  /** Bytes received so far. */
  readonly size: number;
  write(chunk: Buffer): Promise<void>;
  /** Stores the content. @throws RequestError `DIGEST_INVALID` when it is not what `digest` names */
  finish(digest: string): Promise<void>;
  abort(): Promise<void>;
}

export interface BlobStore {
  /** Bytes of the content; undefined when it is not there. */
  size(digest: string): Promise<number | undefined>;
  bytes(digest: string): Promise<Buffer>;
  /** The bytes from `start` to `end`, both included. */
  stream(digest: string, start: number, end: number): Readable;
  /** Stores content whose digest is known to be `digest`. */
  put(digest: string, bytes: Buffer): Promise<void>;
  /** @param id a name for the upload, unique in this process */
  receive(id: string): Promise<BlobWriter>;
}

export function createMemoryBlobs(): BlobStore {
  const contents = new Map<string, Buffer>();
  return {
    size: async (digest) => contents.get(digest)?.length,
    bytes: async (digest) => contents.get(digest)!,
    stream: (digest, start, end) => Readable.from([contents.get(digest)!.subarray(start, end + 1)]),
    async put(digest, bytes) {
      contents.set(digest, bytes);
    },
    async receive() {
      const chunks: Buffer[] = [];
      let size = 0;
      return {
        get size() {
          return size;
        },
        async write(chunk) {
          chunks.push(chunk);
          size += chunk.length;
        },
        async finish(digest) {
          const bytes = Buffer.concat(chunks);
          const { hash, verify } = digestVerifier(digest);
          hash.update(bytes);
          verify();
          contents.set(digest, bytes);
        },
        async abort() {
          chunks.length = 0;
        },
      };
    },
  };
}

/** @param folder made when missing; content is a file below its algorithm, an upload a file in `uploads` */
export async function createFolderBlobs(folder: string): Promise<BlobStore> {
  const uploads = join(folder, 'uploads');
  await rm(uploads, { recursive: true, force: true });
  for (const name of ['uploads', 'sha256', 'sha512']) await mkdir(join(folder, name), { recursive: true });
  const fileOf = (digest: string) => join(folder, digest.replace(':', '/'));
  const receive = async (id: string): Promise<BlobWriter> => {
    const file = join(uploads, id);
    return createFileWriter(file, await open(file, 'wx'), fileOf);
  };
  let puts = 0;
  return {
    async size(digest) {
      return (await stat(fileOf(digest)).catch(() => undefined))?.size;
    },
    bytes: (digest) => readFile(fileOf(digest)),
    stream: (digest, start, end) => createReadStream(fileOf(digest), { start, end }),
    async put(digest, bytes) {
      const file = join(uploads, `put-${puts++}`);
      await writeFile(file, bytes);
      await rename(file, fileOf(digest));
    },
    receive,
  };
}

function createFileWriter(file: string, handle: FileHandle, fileOf: (digest: string) => string): BlobWriter {
  let size = 0;
  return {
    get size() {
      return size;
    },
    async write(chunk) {
      await handle.writeFile(chunk);
      size += chunk.length;
    },
    async finish(digest) {
      await handle.close();
      const { hash, verify } = digestVerifier(digest);
      for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
      try {
        verify();
        await rename(file, fileOf(digest));
      } finally {
        await rm(file, { force: true });
      }
    },
    async abort() {
      await handle.close();
      await rm(file, { force: true });
    },
  };
}
