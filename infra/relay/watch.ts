/** One watch connection, from its first byte to its end. */
import type { Readable } from 'node:stream';
import { KubeError } from '../../shared/kube/errors.ts';
import { retryAfterMs } from '../../shared/kube/retry-after.ts';
import type { KubeTransport, Query } from '../../shared/kube/transport.ts';
import type { Clock } from '../../shared/runtime/clock.ts';
import { createLineParser, type WatchEvent } from './watch-lines.ts';

/** Bookmarks come every minute: a connection that is silent for longer than this is dead. */
const SILENCE_MS = 120_000;

/** Of an answer that is no stream of events, so much is read for the message. */
const LONGEST_REFUSAL = 64 * 1024;

/** `timeout`: the server ended it, as it was asked to; `silent`: we did, because nothing came any more. */
export type WatchEnd = 'timeout' | 'silent';

export interface WatchOptions {
  transport: KubeTransport;
  clock: Clock;
  path: string;
  query: Query;
  accept?: string;
  /** Called when the watch is open, and for every chunk of bytes. */
  onSignOfLife(): void;
}

/**
 * Reads a watch to its end. Events are handed over in the turn of the event loop in which their bytes arrived.
 * @throws KubeError when the server refuses, BrokenStream, whatever the connection or `onEvent` throws, or the signal's reason
 */
export async function followWatch(
  options: WatchOptions,
  onEvent: (event: WatchEvent) => void,
  signal: AbortSignal,
): Promise<WatchEnd> {
  const { transport, clock, path, query, accept } = options;
  const silence = new AbortController();
  let cancel = () => {};
  const listen = () => {
    cancel();
    cancel = clock.after(SILENCE_MS, () => silence.abort(new Error('silence')));
  };
  const stop = AbortSignal.any([signal, silence.signal]);
  try {
    listen();
    const answer = await transport.open({ path, query, accept }, stop);
    if (answer.status !== 200) throw await refusal(answer, clock.now());
    options.onSignOfLife();
    await readEvents(answer.body, onEvent, () => {
      listen();
      options.onSignOfLife();
    });
    return 'timeout';
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (silence.signal.aborted) return 'silent';
    throw error;
  } finally {
    cancel();
  }
}

function readEvents(
  body: Readable,
  onEvent: (event: WatchEvent) => void,
  onBytes: () => void,
): Promise<void> {
  const parser = createLineParser(onEvent);
  return new Promise((resolve, reject) => {
    /** Half a line is worse than a cut: it says that we may have missed something. */
    const end = (cut?: Error) => {
      try {
        parser.end();
      } catch (halfLine) {
        return reject(halfLine);
      }
      return cut ? reject(cut) : resolve();
    };
    body.on('data', (chunk: Buffer) => {
      onBytes();
      try {
        parser.push(chunk);
      } catch (error) {
        reject(error);
        body.destroy();
      }
    });
    body.on('end', () => end());
    body.on('error', end);
    body.on('close', () => end(new Error('the connection was cut')));
  });
}

async function refusal(answer: Awaited<ReturnType<KubeTransport['open']>>, now: number): Promise<KubeError> {
  let text = '';
  try {
    for await (const chunk of answer.body) {
      text += chunk;
      if (text.length > LONGEST_REFUSAL) break;
    }
  } catch {
    // The status says enough.
  }
  let status: { message?: string; reason?: string } = {};
  try {
    status = JSON.parse(text) ?? {};
  } catch {
    // Not every refusal is a Status object.
  }
  return new KubeError(status.message || `the server answered ${answer.status}`, {
    status: answer.status,
    reason: status.reason,
    retryAfterMs: retryAfterMs(answer.headers['retry-after'], now),
  });
}
