/** Reads the bodies of answers, never more than we accept (IR-REG-8). */
import { gunzip, gunzipSync } from 'node:zlib';
import { RegistryError } from './errors.ts';
import { describe, exchangeError, type HttpAnswer } from './http-exchange.ts';

export const TOKEN_BODY_LIMIT = 64 * 1024;
export const ERROR_BODY_LIMIT = 64 * 1024;
export const TAG_PAGE_LIMIT = 8 * 1024 * 1024;
export const MANIFEST_LIMIT = 4 * 1024 * 1024;

/** Below this a decompression takes less time here than the way to a thread and back. */
const SMALL = 64 * 1024;

/**
 * The whole body, decompressed.
 * @param limit bytes, before and after decompression; @param what names the body in the message, e.g. `tag page`
 * @throws RegistryError code `limit` naming the limit, `network` when the answer was cut
 */
export async function readBody(
  answer: HttpAnswer,
  limit: number,
  what: string,
  signal: AbortSignal,
): Promise<Buffer> {
  const tooLarge = () =>
    new RegistryError('limit', `${describe(answer)}: ${what} is larger than the limit of ${sizeText(limit)}`);
  if (Number(answer.headers['content-length']) > limit) {
    answer.stream.destroy();
    throw tooLarge();
  }
  const raw = await collect(answer, limit, tooLarge, signal);
  const coding = answer.headers['content-encoding']?.toLowerCase();
  if (coding !== 'gzip' || raw.length === 0) return raw;
  try {
    return await decompress(raw, limit);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge();
    throw new RegistryError('malformed', `${describe(answer)}: ${what} is no valid gzip`, { cause: error });
  }
}

/**
 * A body that is JSON.
 * @throws RegistryError code `malformed` when it is not
 */
export async function readJson(
  answer: HttpAnswer,
  limit: number,
  what: string,
  signal: AbortSignal,
): Promise<unknown> {
  const body = await readBody(answer, limit, what, signal);
  try {
    return JSON.parse(body.toString('utf8'));
  } catch (error) {
    const type = answer.headers['content-type']?.split(';', 1)[0] ?? 'no content type';
    throw new RegistryError('malformed', `${describe(answer)}: ${what} is not valid JSON (${type})`, {
      cause: error,
    });
  }
}

/** Lets go of a body that nobody needs; after a short one the connection is free again when this resolves. */
export function discardBody(answer: HttpAnswer): Promise<void> {
  const { stream } = answer;
  return new Promise((resolve) => {
    stream.on('end', resolve);
    stream.on('close', resolve);
    stream.on('error', () => resolve());
    let left = ERROR_BODY_LIMIT;
    stream.on('data', (chunk: Buffer) => {
      left -= chunk.length;
      if (left < 0) stream.destroy();
    });
  });
}

function collect(
  answer: HttpAnswer,
  limit: number,
  tooLarge: () => RegistryError,
  signal: AbortSignal,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const { stream } = answer;
    stream.on('data', (chunk: Buffer) => {
      size += chunk.length;
      chunks.push(chunk);
      if (size <= limit) return;
      reject(tooLarge());
      stream.destroy();
    });
    stream.on('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, size)));
    stream.on('error', (error: Error) => reject(bodyError(answer, error, signal, size)));
  });
}

/** The error of a body that ended too early. @param size bytes that had come */
export function bodyError(
  answer: HttpAnswer,
  error: Error,
  signal: AbortSignal,
  size?: number,
): RegistryError {
  const cut = (error as NodeJS.ErrnoException).code === 'ECONNRESET' && !signal.aborted;
  if (!cut) return exchangeError(answer, error, signal);
  const after = size === undefined ? '' : ` after ${size} bytes`;
  const text = `${describe(answer)}: the answer was cut${after} (unexpected EOF)`;
  return new RegistryError('network', text, { cause: error, transient: true });
}

function decompress(raw: Buffer, limit: number): Promise<Buffer> | Buffer {
  if (raw.length <= SMALL) return gunzipSync(raw, { maxOutputLength: limit });
  return new Promise((resolve, reject) => {
    gunzip(raw, { maxOutputLength: limit }, (error, body) => (error ? reject(error) : resolve(body)));
  });
}

function sizeText(bytes: number): string {
  return bytes >= 1024 * 1024 ? `${bytes / 1024 / 1024} MiB` : `${bytes / 1024} KiB`;
}
