/**
 * Object store in an S3 bucket, or in one of a server that speaks S3. The SDK is imported at the first request: it is
 * the dearest import of a function. Credentials and region are the SDK's business (role of the function, environment).
 */

import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type * as S3 from '@aws-sdk/client-s3';
import { checkKey, withKeyPrefix } from './object-key.ts';
import {
  type ObjectInfo,
  type ObjectStore,
  PreconditionFailed,
  type PutOptions,
  StorageError,
} from './object-store.ts';
import { hasAnswer, isNothing, s3Error } from './s3-error.ts';

export interface S3StoreOptions {
  bucket: string;
  /** Put before every key. */
  prefix?: string;
  /** Address of an S3-compatible server; its buckets are addressed by path. Without it: the region's own. */
  endpoint?: string;
  region?: string;
  credentials?: { accessKeyId: string; secretAccessKey: string };
  /** Connections at the same time; 50 when left out. Who passes contents on to slow readers needs more. */
  maxSockets?: number;
}

interface Connection {
  sdk: typeof S3;
  client: S3.S3Client;
}

/** No request is made before the store is used. */
export function createS3Store(options: S3StoreOptions): ObjectStore {
  return withKeyPrefix(createBucketStore(options), options.prefix ?? '');
}

function createBucketStore(options: S3StoreOptions): ObjectStore {
  const { bucket } = options;
  let connection: Promise<Connection> | undefined;
  const connected = () => {
    connection ??= connect(options);
    return connection;
  };
  const of = (key: string) => ({ Bucket: bucket, Key: key });

  async function head(key: string, signal: AbortSignal | undefined): Promise<ObjectInfo | undefined> {
    const { sdk, client } = await connected();
    try {
      const command = new sdk.HeadObjectCommand({ ...of(key), ChecksumMode: 'ENABLED' });
      return infoOf(key, await client.send(command, { abortSignal: signal }));
    } catch (error) {
      if (isNothing(error)) return undefined;
      throw s3Error('read', bucket, key, error, signal);
    }
  }

  return {
    async put(key, body, put = {}, signal) {
      checkKey(key);
      const { sdk, client } = await connected();
      const size = Buffer.isBuffer(body) ? body.length : put.size;
      if (size === undefined) throw new StorageError(`cannot write object '${key}': its length is not known`);
      const command = new sdk.PutObjectCommand({
        ...of(key),
        Body: body,
        ContentLength: size,
        ContentType: put.contentType,
        ChecksumSHA256: put.sha256 && Buffer.from(put.sha256, 'hex').toString('base64'),
        Metadata: metadataOf(put),
        IfNoneMatch: put.ifAbsent ? '*' : undefined,
        IfMatch: put.ifMatch,
      });
      const source = Buffer.isBuffer(body) ? undefined : watchSource(body, signal);
      try {
        const { ETag } = await client.send(command, { abortSignal: source?.signal ?? signal });
        const { ChecksumSHA256, Metadata } = command.input;
        return infoOf(key, { ETag, ContentLength: size, ChecksumSHA256, Metadata });
      } catch (error) {
        const cause = source?.problem();
        // A server that refuses a long content may close the connection before its answer is read.
        if (put.ifAbsent && !cause && !hasAnswer(error) && !signal?.aborted && (await head(key, signal))) {
          throw new PreconditionFailed(key);
        }
        throw s3Error('write', bucket, key, cause ?? error, signal);
      } finally {
        source?.end();
      }
    },

    async copy(from, to, signal) {
      checkKey(from);
      checkKey(to);
      const { sdk, client } = await connected();
      const source = `${bucket}/${from}`.split('/').map(encodeURIComponent).join('/');
      try {
        const command = new sdk.CopyObjectCommand({ ...of(to), CopySource: source });
        await client.send(command, { abortSignal: signal });
      } catch (error) {
        throw s3Error('copy', bucket, from, error, signal);
      }
    },

    async get(key, signal) {
      checkKey(key);
      const { sdk, client } = await connected();
      try {
        const command = new sdk.GetObjectCommand({ ...of(key), ChecksumMode: 'ENABLED' });
        const output = await client.send(command, { abortSignal: signal });
        const body = output.Body as Readable;
        const bytes = () =>
          buffer(body).catch((error: unknown) => {
            throw s3Error('read', bucket, key, error, signal);
          });
        return { ...infoOf(key, output), bytes, stream: () => body };
      } catch (error) {
        if (isNothing(error)) return undefined;
        throw s3Error('read', bucket, key, error, signal);
      }
    },

    async head(key, signal) {
      checkKey(key);
      return head(key, signal);
    },

    async *list(prefix, signal) {
      const { sdk, client } = await connected();
      let token: string | undefined;
      do {
        const command = new sdk.ListObjectsV2Command({
          Bucket: bucket,
          Prefix: prefix,
          ContinuationToken: token,
        });
        const page = await client.send(command, { abortSignal: signal }).catch((error: unknown) => {
          throw s3Error('list', bucket, prefix, error, signal);
        });
        for (const { Key, Size, ETag, LastModified } of page.Contents ?? []) {
          yield infoOf(Key!, { ETag, ContentLength: Size, LastModified });
        }
        token = page.NextContinuationToken;
      } while (token);
    },

    async delete(key, signal) {
      checkKey(key);
      const { sdk, client } = await connected();
      try {
        await client.send(new sdk.DeleteObjectCommand(of(key)), { abortSignal: signal });
      } catch (error) {
        if (!isNothing(error)) throw s3Error('delete', bucket, key, error, signal);
      }
    },
  };
}

/**
 * A stream that breaks off would leave the SDK waiting for the rest for ever: it ends the request instead. A request
 * that fails ends the stream.
 */
function watchSource(body: Readable, signal: AbortSignal | undefined) {
  const broken = new AbortController();
  body.once('error', (error) => broken.abort(error));
  if (body.errored) broken.abort(body.errored);
  return {
    signal: signal ? AbortSignal.any([signal, broken.signal]) : broken.signal,
    problem: () => (broken.signal.aborted ? broken.signal.reason : undefined),
    end: () => body.destroy(),
  };
}

/** The SDK writes warnings to the console when it is given no logger; what fails is thrown anyway. */
const silent = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };

async function connect({ endpoint, region, credentials, maxSockets }: S3StoreOptions): Promise<Connection> {
  const sdk = await import('@aws-sdk/client-s3');
  const client = new sdk.S3Client({
    ...(endpoint && { endpoint, forcePathStyle: true }),
    ...(region && { region }),
    ...(credentials && { credentials }),
    ...(maxSockets && { requestHandler: { httpAgent: { maxSockets }, httpsAgent: { maxSockets } } }),
    logger: silent,
    // The SDK's own CRC32 would be a second checksum beside ours, and makes streams chunked, which not every server takes.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
  return { sdk, client };
}

/**
 * Some servers that speak S3 keep no checksum, and an object that was brought back from elsewhere has lost it: its
 * SHA-256 is kept among the metadata as well, which whoever puts another content replaces.
 */
const SHA256_NAME = 'longshore-sha256';

function metadataOf({ sha256, metadata }: PutOptions): Record<string, string> | undefined {
  return sha256 ? { ...metadata, [SHA256_NAME]: sha256 } : metadata;
}

function infoOf(
  key: string,
  output: {
    ETag?: string;
    ContentLength?: number;
    ChecksumSHA256?: string;
    LastModified?: Date;
    Metadata?: Record<string, string>;
  },
): ObjectInfo {
  const { ETag, ContentLength, ChecksumSHA256, LastModified, Metadata } = output;
  const { [SHA256_NAME]: noted, ...metadata } = Metadata ?? {};
  // The checksum of an upload in parts is none of the content: it has a dash and their number.
  const isWhole = ChecksumSHA256 !== undefined && !ChecksumSHA256.includes('-');
  const sha256 = isWhole ? Buffer.from(ChecksumSHA256, 'base64').toString('hex') : noted;
  return {
    key,
    size: ContentLength ?? 0,
    etag: ETag ?? '',
    lastModified: LastModified ?? new Date(),
    ...(sha256 && { sha256 }),
    ...(Object.keys(metadata).length > 0 && { metadata }),
  };
}
