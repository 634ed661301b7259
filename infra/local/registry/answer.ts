/** What an endpoint answers. One place sends it, so that every fault works on every endpoint. */
import type { Readable } from 'node:stream';
import { RequestError } from './request-error.ts';

export interface Answer {
  status: number;
  headers: Record<string, string>;
  /** A stream needs its `content-length` in the headers. A HEAD request gets the headers alone. */
  body?: Buffer | Readable;
}

export function answerJson(status: number, value: unknown, headers: Record<string, string> = {}): Answer {
  return {
    status,
    headers: { 'content-type': 'application/json', ...headers },
    body: Buffer.from(JSON.stringify(value)),
  };
}

/** The error list of the distribution specification. */
export function answerError(error: unknown): Answer {
  if (error instanceof RequestError) {
    const list = { errors: [{ code: error.code, message: error.message }] };
    return answerJson(error.status, list, error.headers);
  }
  return answerJson(500, {
    errors: [{ code: 'UNKNOWN', message: String((error as Error)?.message ?? error) }],
  });
}
