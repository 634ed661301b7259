/** One request to Quay's API: its turn, its repeats, and what its status means (spec A.1, A.2, 10.3). */
import { STATUS_CODES } from 'node:http';
import type * as z from 'zod/mini';
import { retryAfterMs } from '../kube/retry-after.ts';
import type { Reach } from '../oci/address-guard.ts';
import { readBody } from '../oci/body.ts';
import type { Route } from '../oci/connections.ts';
import { RegistryError } from '../oci/errors.ts';
import { describe, exchange } from '../oci/http-exchange.ts';
import { USER_AGENT } from '../oci/user-agent.ts';
import { type Clock, sleep } from '../runtime/clock.ts';
import { messageOf } from '../runtime/errors.ts';
import type { Logger } from '../runtime/logger.ts';
import { redact } from '../runtime/redact.ts';
import { ErrorBody } from './answers.ts';
import { QuayError, type QuayErrorKind } from './errors.ts';
import { type RequestPace, stopped } from './request-pace.ts';

export interface QuayRequest {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Below the API URL, with its query. */
  path: string;
  body?: object;
  /** Doing it twice does harm (A.3.14: titles are not unique): the caller looks before it asks again. */
  once?: boolean;
}

/** An answer of Quay itself: 2xx, or a refusal of the request that the caller knows how to read. */
export interface QuayAnswer {
  /** Request and address, for messages. */
  what: string;
  status: number;
  /** Parsed JSON; undefined when the body is none. */
  body: unknown;
  /** There is a body, and it is no JSON: Quay does not answer like this. */
  foreign: boolean;
  /** What Quay said of its refusal, one line; empty for a success. */
  text: string;
}

export interface ApiOptions {
  /** Without a slash at its end. */
  apiUrl: string;
  organization: string;
  token: string;
  route: Route;
  reach: Reach;
  pace: RequestPace;
  clock: Clock;
  /** Milliseconds since 1970 at which the run ends. */
  deadline: number;
  /** Takes the secrets of the run out of what Quay wrote. */
  scrub: (text: string) => string;
  log: Logger;
  onUse: ((worked: boolean) => void) | undefined;
}

/** [L] waits 60 s, too long for a function that is paid by the second (spec 2.2). */
const PATIENCE_MS = 20_000;
const BODY_LIMIT = 4 * 1024 * 1024;
const LONGEST_TEXT = 500;
/** Pauses before the second and the third try, made while so much of the run is left (10.3). */
const PAUSES_MS = [200, 800];
const TIME_FOR_REPEAT_MS = 5000;
/** The longest `Retry-After` that a run sleeps, and what is assumed where Quay's front end names none (16.4). */
const LONGEST_PAUSE_MS = 10_000;
const THROTTLED_PAUSE_MS = 1000;
/** What a front end answers while Quay itself is restarted or busy. A 500 is Quay's own, and comes again at once. */
const REPEATABLE = new Set([408, 429, 502, 503, 504, 520]);

export class QuayApi {
  readonly #options: ApiOptions;

  constructor(options: ApiOptions) {
    this.#options = options;
  }

  get organization(): string {
    return this.#options.organization;
  }

  /**
   * Asks, waiting for its turn and repeating what may pass. Statuses that mean the same for every operation are thrown;
   * 2xx, 400, 402, 404 and 409 are for the caller to read.
   * @throws QuayError
   */
  async ask(request: QuayRequest, signal: AbortSignal): Promise<QuayAnswer> {
    for (let tries = 0; ; tries++) {
      try {
        return await this.askOnce(request, signal);
      } catch (error) {
        if (request.once || !(await this.pauseBefore(tries, error, signal))) throw error;
      }
    }
  }

  /**
   * Waits before an operation is repeated.
   * @param tries failed ones before this one, 0: this was the first; @param error what the operation threw
   * @returns whether to repeat it: false when that cannot help, or the run has no time for it
   */
  async pauseBefore(tries: number, error: unknown, signal: AbortSignal): Promise<boolean> {
    if (!(error instanceof QuayError) || !error.repeatable) return false;
    const pauseMs = Math.max(PAUSES_MS[tries] ?? 0, error.retryAfterMs ?? 0);
    const { clock, deadline, log } = this.#options;
    if (tries >= PAUSES_MS.length || pauseMs > LONGEST_PAUSE_MS) return false;
    if (clock.now() + pauseMs + TIME_FOR_REPEAT_MS > deadline) return false;
    log.debug(error.message, { pauseMs });
    await sleep(clock, pauseMs, signal).catch(() => {
      throw stopped(error.message, signal);
    });
    return true;
  }

  /** One try. @throws QuayError */
  async askOnce(request: QuayRequest, signal: AbortSignal): Promise<QuayAnswer> {
    const { apiUrl, token, route, reach, pace, clock, deadline } = this.#options;
    const url = new URL(apiUrl + request.path);
    const what = describe({ method: request.method, url });
    await pace.turn(what, deadline, signal);
    const headers: Record<string, string> = {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      'user-agent': USER_AGENT,
    };
    const body = request.body && JSON.stringify(request.body);
    if (body) headers['content-length'] = String(Buffer.byteLength(body));
    const { method, once } = request;
    try {
      const message = { method, url, headers, body, once, patienceMs: PATIENCE_MS };
      const answer = await exchange(message, route, reach, clock, signal);
      const raw = (await readBody(answer, BODY_LIMIT, 'answer', signal)).toString('utf8');
      const wait = retryAfterMs(answer.headers['retry-after'], clock.now());
      const type = answer.headers['content-type'];
      const judged = this.#judge({ what, status: answer.status, raw, type, wait });
      this.#options.onUse?.(true);
      return judged;
    } catch (error) {
      const failure = error instanceof QuayError ? error : this.#unanswered(what, error, signal);
      if (failure.kind !== 'aborted') this.#options.onUse?.(false);
      throw failure;
    }
  }

  /**
   * The body of a success.
   * @throws QuayError `unavailable` when it is not what Quay answers: somebody else did, or it was cut
   */
  read<T>(schema: z.ZodMiniType<T>, answer: QuayAnswer): T {
    const parsed = schema.safeParse(answer.body);
    if (parsed.success) return parsed.data;
    const where = parsed.error.issues[0]?.path.join('.');
    throw unreadable(
      answer,
      answer.body === undefined ? 'no JSON' : `unexpected${where ? ` '${where}'` : ' content'}`,
    );
  }

  /**
   * For answers without content: whether the thing is gone now, or was before.
   * @param wasAbsent Quay's way to say that it does not exist; a 404 always says so
   * @throws QuayError `refused`; `unavailable` when somebody else answered in Quay's place
   */
  requireGone(answer: QuayAnswer, wasAbsent?: string): void {
    if (answer.status < 300 && answer.foreign) throw unreadable(answer, 'no JSON');
    const said = answer.status === 400 && wasAbsent !== undefined && answer.text.includes(wasAbsent);
    if (answer.status >= 400 && answer.status !== 404 && !said) throw this.refusal(answer);
  }

  /** The error of an answer that an operation does not know how to read. */
  refusal(answer: QuayAnswer, kind: QuayErrorKind = 'refused'): QuayError {
    const { what, status, text } = answer;
    return new QuayError(kind, [what, statusText(status), text].filter(Boolean).join(': '), { status, text });
  }

  /** Throws for the statuses that mean the same for all operations (A.2). */
  #judge(received: Received): QuayAnswer {
    const { what, status, raw } = received;
    const body = parseJson(raw);
    const foreign = body === undefined && raw.trim() !== '';
    if (status >= 200 && status < 300) return { what, status, body, foreign, text: '' };
    const { text, readOnly } = this.#errorText(body);
    const answer = { what, status, body, foreign, text };
    if (status === 401 || status === 403) throw this.#refusedToken(answer);
    if (status >= 300 && status < 400) throw this.#hint(answer, 'Quay redirects: is the API URL right?');
    if (status === 429) throw this.#throttled(answer, received.wait);
    const page = isHtml(received.type, raw);
    if (status === 404 && page) throw this.#hint(answer, 'not an answer of Quay: is the API URL right?');
    if (status < 500 && status !== 408 && !page) return answer;
    const { message } = this.refusal(answer);
    throw new QuayError('unavailable', message, {
      status,
      text,
      retryAfterMs: received.wait,
      repeatable: REPEATABLE.has(status) && !readOnly,
    });
  }

  /** Writes with an unknown token look like a CSRF attack to Quay (A.2), so its text would lead people astray. */
  #refusedToken(answer: QuayAnswer): QuayError {
    const refused = answer.status === 401 || /\bCSRF\b/i.test(answer.text);
    return this.#hint(
      answer,
      refused
        ? 'the token was refused: it is unknown, expired or revoked'
        : `the token lacks a permission, or organization '${this.organization}' does not exist`,
    );
  }

  #hint(answer: QuayAnswer, hint: string): QuayError {
    const { status, text } = answer;
    return new QuayError('configuration', `${this.refusal(answer).message} (${hint})`, { status, text });
  }

  #throttled(answer: QuayAnswer, asked: number | undefined): QuayError {
    const retryAfterMs = asked ?? THROTTLED_PAUSE_MS;
    this.#options.pace.quiet(retryAfterMs);
    const { status, text } = answer;
    const { message } = this.refusal(answer);
    return new QuayError('throttled', message, { status, text, retryAfterMs, repeatable: true });
  }

  #errorText(body: unknown): { text: string; readOnly: boolean } {
    const parsed = ErrorBody.safeParse(body);
    if (!parsed.success) return { text: '', readOnly: false };
    const { message, error_message, error, detail, is_readonly } = parsed.data;
    const text = message || error_message || error || detail || '';
    const line = this.#options
      .scrub(redact(text))
      .replace(/[\p{Cc}\s]+/gu, ' ')
      .trim();
    return { text: line.slice(0, LONGEST_TEXT), readOnly: is_readonly ?? false };
  }

  /** No answer, or one that ended too early. */
  #unanswered(what: string, error: unknown, signal: AbortSignal): QuayError {
    if (signal.aborted) return stopped(what, signal);
    const message = this.#options.scrub(messageOf(error));
    if (!(error instanceof RegistryError))
      return new QuayError('unavailable', `${what}: ${message}`, { cause: error });
    const operators = error.code === 'tls' || error.code === 'address';
    return new QuayError(operators ? 'configuration' : 'unavailable', message, {
      repeatable: error.code === 'network',
      cause: error,
    });
  }
}

interface Received {
  what: string;
  status: number;
  raw: string;
  type: string | undefined;
  wait: number | undefined;
}

function unreadable({ what, status }: QuayAnswer, detail: string): QuayError {
  const text = `${what}: the answer of status ${status} cannot be read: ${detail}`;
  return new QuayError('unavailable', text, { status });
}

function parseJson(raw: string): unknown {
  try {
    return JSON.parse(raw);
  } catch {
    return undefined;
  }
}

/** A page of the proxy before Quay (E4). */
function isHtml(type: string | undefined, raw: string): boolean {
  return type?.toLowerCase().includes('text/html') || /^\s*</.test(raw);
}

function statusText(status: number): string {
  return `${status} ${STATUS_CODES[status] ?? ''}`.trimEnd();
}
