/** Sends an answer, spoilt where a fault says so. */
import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import type { Answer } from './answer.ts';
import type { FaultRule } from './faults.ts';

/** Bytes a second are kept by sending a share of them this often. */
const SLICES_PER_SECOND = 10;

/**
 * @param head the request was a HEAD: headers alone
 * @param signal aborts waits when the registry closes or the client has gone
 */
export async function sendAnswer(
  response: ServerResponse,
  answer: Answer,
  options: { head: boolean; fault: FaultRule | undefined },
  signal: AbortSignal,
): Promise<void> {
  const { head, fault } = options;
  if (fault?.reset) {
    response.destroy();
    return;
  }
  response.writeHead(answer.status, headersOf(answer, fault));
  if (head || answer.body === undefined) response.end();
  else if (fault?.corrupt || fault?.cutAfter !== undefined || fault?.bytesPerSecond) {
    await sendSpoilt(response, await wholeBody(answer.body), fault, signal);
  } else if (Buffer.isBuffer(answer.body)) response.end(answer.body);
  else answer.body.on('error', () => response.destroy()).pipe(response);
}

function headersOf(answer: Answer, fault: FaultRule | undefined): Record<string, string | number> {
  const headers: Record<string, string | number> = { ...answer.headers };
  if (Buffer.isBuffer(answer.body)) headers['content-length'] = answer.body.length;
  else if (answer.body === undefined && headers['content-length'] === undefined && answer.status !== 204) {
    headers['content-length'] = 0;
  }
  for (const [name, value] of Object.entries(fault?.headers ?? {})) {
    if (value === null) delete headers[name.toLowerCase()];
    else headers[name.toLowerCase()] = value;
  }
  return headers;
}

async function wholeBody(body: Buffer | Readable): Promise<Buffer> {
  return Buffer.isBuffer(body) ? body : Buffer.concat(await Readable.from(body).toArray());
}

async function sendSpoilt(
  response: ServerResponse,
  whole: Buffer,
  fault: FaultRule,
  signal: AbortSignal,
): Promise<void> {
  const body = Buffer.from(whole);
  if (fault.corrupt && body.length > 0) body[0] = body[0]! ^ 1;
  const end = Math.min(fault.cutAfter ?? Infinity, body.length);
  const step = fault.bytesPerSecond ? Math.max(1, fault.bytesPerSecond / SLICES_PER_SECOND) : end;
  for (let at = 0; at < end; at += step) {
    if (at > 0) await wait(1000 / SLICES_PER_SECOND, undefined, { signal });
    await write(response, body.subarray(at, Math.min(at + step, end)));
  }
  if (fault.cutAfter === undefined) response.end();
  else response.destroy();
}

/** Resolves when the bytes are on their way: what a cut follows must have left the process. */
function write(response: ServerResponse, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    response.write(bytes, (error) => (error ? reject(error) : resolve()));
  });
}
