/** One HTTP exchange: a request, its answer, and what stops it. */
import type { ClientRequest, IncomingMessage } from 'node:http';
import { formatDuration } from '../runtime/duration.ts';

/**
 * A kept connection broke before the first byte of an answer: the server had closed it, most likely before the request
 * arrived. `cause` is what Node said.
 */
export class StaleConnection extends Error {
  constructor(cause: Error) {
    super(cause.message, { cause });
    this.name = 'StaleConnection';
  }
}

/**
 * Sends `body` and gives what `read` makes of the answer. An abort, or a socket that stays silent for longer than its
 * agent allows, destroys the socket; both reach a body that is still being read as its error.
 * @throws StaleConnection, the signal's reason, or what the socket says
 */
export function exchange<T>(
  request: ClientRequest,
  body: string | undefined,
  signal: AbortSignal | undefined,
  read: (answer: IncomingMessage) => T | Promise<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    let answer: IncomingMessage | undefined;
    const stop = (reason: Error) => (answer ?? request).destroy(reason);
    const onAbort = () => stop(asError(signal?.reason));
    signal?.addEventListener('abort', onAbort, { once: true });
    request.on('close', () => signal?.removeEventListener('abort', onAbort));
    request.on('timeout', () =>
      stop(new Error(`no answer for ${formatDuration(request.socket?.timeout ?? 0)}`)),
    );
    request.on('response', (message) => {
      answer = message;
      resolve(read(message));
    });
    request.on('error', (error: NodeJS.ErrnoException) => {
      const reset = error.code === 'ECONNRESET' || error.code === 'EPIPE';
      reject(
        signal?.aborted ? signal.reason : request.reusedSocket && reset ? new StaleConnection(error) : error,
      );
    });
    request.end(body);
  });
}

/** The whole body of an answer. */
export function collect(answer: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    answer.on('data', (chunk: Buffer) => chunks.push(chunk));
    answer.on('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)));
    answer.on('error', reject);
  });
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
