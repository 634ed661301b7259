/** One HTTP request and its answer: no redirects, no repeats, no opinion on the status. */
import http, { type ClientRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import https from 'node:https';
import type { Clock } from '../runtime/clock.ts';
import { messageOf } from '../runtime/errors.ts';
import { redact } from '../runtime/redact.ts';
import { AddressError, type Reach } from './address-guard.ts';
import { ABANDONED, closeIdle, destinationOf, type Route } from './connections.ts';
import { RegistryError } from './errors.ts';

export interface HttpRequest {
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';
  url: URL;
  headers: Record<string, string>;
  body?: string;
  /** Doing it twice does harm: not sent again, not even when a kept connection was found closed. */
  once?: boolean;
  /** Milliseconds to wait for the head of the answer, and as long again for its end; 30 s when left out. */
  patienceMs?: number;
  /** The body is handed on as a stream: the time limit of a single request ends with the head of the answer. */
  streaming?: boolean;
}

export interface HttpAnswer {
  status: number;
  statusText: string;
  headers: IncomingHttpHeaders;
  url: URL;
  method: string;
  /** Address that answered; undefined behind a proxy. */
  peer: string | undefined;
  stream: IncomingMessage;
}

/**
 * For the head of an answer (IR-REG-6 repeats the request): who has said nothing by then is not there. The rest may
 * take as long again; the deadline of the run bounds all requests together.
 */
const HEAD_MS = 30_000;

/**
 * Sends one request. An abort destroys the socket, also while the body is read.
 * A kept connection that turns out to be closed by the other side is replaced at once.
 * @throws RegistryError
 */
export async function exchange(
  request: HttpRequest,
  route: Route,
  reach: Reach,
  clock: Clock,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  try {
    return await attempt(request, route, reach, clock, signal);
  } catch (error) {
    if (!(error instanceof StaleConnection)) throw exchangeError(request, error, signal);
  }
  try {
    return await attempt(request, route, reach, clock, signal);
  } catch (error) {
    throw exchangeError(request, error, signal);
  }
}

/** The request failed on a connection that had been used before, before any answer. */
class StaleConnection extends Error {}

/** The limit of a single request. */
class SlowRequest extends Error {
  readonly silent: boolean;
  readonly lostMs: number;

  /** @param silent nothing came at the end; @param lostMs how long it was waited for */
  constructor(text: string, silent: boolean, lostMs: number) {
    super(`timeout: ${text} ${lostMs / 1000}s`);
    this.silent = silent;
    this.lostMs = lostMs;
  }
}

async function attempt(
  request: HttpRequest,
  route: Route,
  reach: Reach,
  clock: Clock,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  signal.throwIfAborted();
  const { options, headers, proxied } = await destinationOf(request.url, route, reach);
  const patience = request.patienceMs ?? HEAD_MS;
  const send = options.protocol === 'https:' ? https.request : http.request;
  return new Promise((resolve, reject) => {
    const sent = send({ ...options, method: request.method, headers: { ...headers, ...request.headers } });
    let stream: IncomingMessage | undefined;
    const stop = (reason: Error) => {
      (stream ?? sent).destroy(reason);
      // Without a connection yet (one is being made, or all are in use) Node tells nobody.
      sent.emit(ABANDONED);
      reject(reason);
    };
    const onAbort = () => stop(asError(signal.reason));
    let cancel: () => void;
    const waitForHead = () => {
      cancel = clock.after(patience, () => {
        if (stream) waitForEnd(stream.socket.bytesRead);
        // All connections are in use: this request has not been asked yet.
        else if (isQueued(sent, options.agent as http.Agent)) waitForHead();
        else stop(new SlowRequest('no answer for', true, patience));
      });
    };
    const waitForEnd = (bytes: number) => {
      cancel = clock.after(patience, () => {
        const silent = stream?.socket.bytesRead === bytes;
        stop(new SlowRequest('no complete answer within', silent, 2 * patience));
      });
    };
    waitForHead();
    signal.addEventListener('abort', onAbort, { once: true });
    sent.on('close', () => {
      cancel();
      signal.removeEventListener('abort', onAbort);
    });
    sent.on('response', (message) => {
      stream = message;
      if (request.streaming) cancel();
      resolve({
        status: message.statusCode ?? 0,
        statusText: message.statusMessage || http.STATUS_CODES[message.statusCode ?? 0] || '',
        headers: message.headers,
        url: request.url,
        method: request.method,
        peer: proxied ? undefined : message.socket.remoteAddress,
        stream: message,
      });
    });
    sent.on('error', (error: NodeJS.ErrnoException) => {
      if (!sent.reusedSocket || request.once || signal.aborted || !isReset(error)) return reject(error);
      closeIdle(options.agent as http.Agent);
      reject(new StaleConnection(error.message, { cause: error }));
    });
    // A proxy that refuses the tunnel answers in the place of the registry.
    if (proxied) {
      sent.on('proxyConnect', ({ statusCode, statusText }: { statusCode: number; statusText: string }) => {
        if (statusCode !== 200) stop(new Error(`proxy refused the connection: ${statusCode} ${statusText}`));
      });
    }
    sent.end(request.body);
  });
}

/** What went wrong with a request or its body, as an error for people. */
export function exchangeError(
  request: { method: string; url: URL },
  error: unknown,
  signal: AbortSignal,
): RegistryError {
  if (error instanceof RegistryError) return error;
  const fail = (code: RegistryError['code'], text: string, transient = false) =>
    new RegistryError(code, `${describe(request)}: ${redact(text)}`, { cause: error, transient });
  if (signal.aborted) return stopped(describe(request), signal);
  const text = causeText(error);
  const code = (error as NodeJS.ErrnoException).code ?? '';
  if (error instanceof AddressError) return fail('address', text);
  if (error instanceof SlowRequest) {
    const { silent, lostMs } = error;
    const options = { cause: error, transient: true, silent, lostMs };
    return new RegistryError('timeout', `${describe(request)}: ${text}`, options);
  }
  if (code === 'HPE_HEADER_OVERFLOW') return fail('limit', 'the headers of the answer are too large');
  if (code.startsWith('HPE_')) return fail('malformed', `the answer is no HTTP: ${text}`);
  if (code === 'ETIMEDOUT' || code === 'EAI_AGAIN') return fail('timeout', `timeout: ${text}`, true);
  if (TLS_CODE.test(code)) return fail('tls', text);
  return fail('network', text, isReset(error as NodeJS.ErrnoException));
}

/** The error of work that the signal ended: `timeout` when it was the deadline (IR-REPO-3). */
export function stopped(what: string, signal: AbortSignal): RegistryError {
  const reason: unknown = signal.reason;
  const text = redact(messageOf(reason));
  const late = /deadline|timeout/i.test(text) || (reason as Error | undefined)?.name === 'TimeoutError';
  const told = late && !/deadline/i.test(text) ? `deadline exceeded: ${text}` : text;
  return new RegistryError(late ? 'timeout' : 'aborted', `${what}: ${told}`, { cause: reason });
}

/** Method and address for messages: without user info and without query members that may be credentials (IR-REG-9). */
export function describe(request: { method: string; url: URL }): string {
  const { origin, pathname, searchParams } = request.url;
  const shown = [...searchParams].filter(([name]) => HARMLESS.has(name));
  const query = shown.length === 0 ? '' : `?${shown.map(([name, value]) => `${name}=${value}`).join('&')}`;
  return `${request.method} ${redact(origin + pathname + query)}`.replace(/[\p{Cc}\s]+/gu, ' ');
}

const HARMLESS = new Set(['n', 'last', 'scope', 'service']);
const TLS_CODE =
  /^(ERR_TLS|ERR_SSL|CERT_|UNABLE_TO|DEPTH_ZERO|SELF_SIGNED|HOSTNAME_MISMATCH|INVALID_|EPROTO)/;

function isQueued(request: ClientRequest, agent: http.Agent): boolean {
  return Object.values(agent.requests).some((waiting) => waiting?.includes(request as never));
}

function isReset(error: NodeJS.ErrnoException): boolean {
  return error.code === 'ECONNRESET' || error.code === 'EPIPE' || error.code === 'ECONNABORTED';
}

/** OpenSSL begins with the number of a thread, which is another one in every process, and ends with a line of its source. */
const OPENSSL_ERROR = /[0-9A-F]{8,16}:error:[0-9A-F]+:([^:]*):[^:]*:([^:]*):.*$/;

/** Advice of Node to whoever starts it: here the object's author reads it, who can set `certSecretRef`. */
const NODE_ADVICE = /; if the root CA is installed locally, .*$/;

/** Node tries all addresses of a name and wraps what they said. */
function causeText(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(causeText).join(', ');
  return messageOf(error).replace(OPENSSL_ERROR, '($1: $2)').replace(NODE_ADVICE, '');
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
