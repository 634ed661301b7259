/** One request to Quay's API: its turn, its repeats (spec A.1, 10.3). */
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
import { judge, type QuayAnswer } from './answer.ts';
import { QuayError } from './errors.ts';
import { type RequestPace, stopped } from './request-pace.ts';

export interface QuayRequest {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Below the API URL, with its query. */
  path: string;
  body?: object;
  /** Doing it twice does harm (A.3.14: titles are not unique): the caller looks before it asks again. */
  once?: boolean;
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
/** Pauses before the second and the third try, made while so much of the run is left (10.3). */
const PAUSES_MS = [200, 800];
const TIME_FOR_REPEAT_MS = 5000;
/** The longest `Retry-After` that a run sleeps. */
const LONGEST_PAUSE_MS = 10_000;

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
        return await this.#askOnce(request, signal);
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
  async #askOnce(request: QuayRequest, signal: AbortSignal): Promise<QuayAnswer> {
    const { apiUrl, token, route, reach, pace, clock, deadline, onUse } = this.#options;
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
      const judged = judge({ what, status: answer.status, raw, type, wait }, this.#options);
      onUse?.(!judged.foreign);
      return judged;
    } catch (error) {
      const failure = error instanceof QuayError ? error : this.#unanswered(what, error, signal);
      if (failure.kind === 'throttled') pace.quiet(failure.retryAfterMs ?? 0);
      if (failure.kind !== 'aborted') onUse?.(false);
      throw failure;
    }
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
