/**
 * How often one process asks Quay (spec 16.4, decisions "Quay's limit"): so many requests a second, in bursts of five
 * seconds' worth, as Quay's own limit of 5/s with a burst of 25 allows. All runs of the process share it, in the order in
 * which they come.
 */
import type { Clock } from '../runtime/clock.ts';
import { formatDuration } from '../runtime/duration.ts';
import { QuayError } from './errors.ts';

const BURST_SECONDS = 5;
/** Nobody shuts us out for longer, whatever the `Retry-After` says. */
const LONGEST_QUIET_MS = 5 * 60_000;

interface Waiter {
  start(): void;
}

export class RequestPace {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #burstMs: number;
  /** When all that was sent so far is paid for. */
  #paidAt = 0;
  #quietUntil = 0;
  readonly #waiting = new Set<Waiter>();
  #cancelTimer: (() => void) | undefined;

  constructor(perSecond: number, clock: Clock) {
    this.#clock = clock;
    this.#intervalMs = 1000 / perSecond;
    this.#burstMs = Math.max(0, BURST_SECONDS * perSecond - 1) * this.#intervalMs;
  }

  /**
   * Waits for the turn of one request.
   * @param what names the request in messages; @param deadline a turn after this time (milliseconds since 1970) is not waited for
   * @throws QuayError `throttled` with the wait, at once, when the turn would come too late; `aborted`
   */
  async turn(what: string, deadline: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw stopped(what, signal);
    const now = this.#clock.now();
    const wait = this.#waitMs(now) + this.#waiting.size * this.#intervalMs;
    if (wait === 0) return this.#take(now);
    if (now + wait > deadline) {
      const text = `${what}: not asked: the next turn towards Quay is in ${formatDuration(Math.ceil(wait / 1000) * 1000)}`;
      throw new QuayError('throttled', text, { retryAfterMs: Math.ceil(wait) });
    }
    await new Promise<void>((resolve, reject) => {
      const waiter: Waiter = {
        start: () => {
          signal.removeEventListener('abort', onAbort);
          resolve();
        },
      };
      const onAbort = () => {
        this.#waiting.delete(waiter);
        reject(stopped(what, signal));
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#waiting.add(waiter);
      this.#schedule();
    });
  }

  /** Nobody asks for so many milliseconds: Quay wants to be left alone. */
  quiet(ms: number): void {
    this.#quietUntil = Math.max(this.#quietUntil, this.#clock.now() + Math.min(ms, LONGEST_QUIET_MS));
  }

  #waitMs(now: number): number {
    return Math.max(0, this.#quietUntil - now, this.#paidAt - this.#burstMs - now);
  }

  #take(now: number): void {
    this.#paidAt = Math.max(this.#paidAt, now) + this.#intervalMs;
  }

  #schedule(): void {
    if (this.#cancelTimer || this.#waiting.size === 0) return;
    const quietUntil = this.#quietUntil;
    this.#cancelTimer = this.#clock.after(Math.ceil(this.#waitMs(this.#clock.now())), () => {
      this.#cancelTimer = undefined;
      // A timer may ring a little before its time by the clock: it is believed, unless the wait was made longer meanwhile.
      if (quietUntil === this.#quietUntil) this.#release();
      this.#schedule();
    });
  }

  /** Lets the first one go, and whoever else need not wait any more. */
  #release(): void {
    const now = this.#clock.now();
    for (const waiter of this.#waiting) {
      this.#waiting.delete(waiter);
      this.#take(now);
      waiter.start();
      if (this.#waitMs(now) > 0) return;
    }
  }
}

const paces = new Map<string, RequestPace>();

/** The pace that this process keeps towards one Quay. */
export function paceOf(apiUrl: string, perSecond: number, clock: Clock): RequestPace {
  let pace = paces.get(apiUrl);
  if (!pace) {
    pace = new RequestPace(perSecond, clock);
    paces.set(apiUrl, pace);
  }
  return pace;
}

/** The error of a wait that the signal ended. */
export function stopped(what: string, signal: AbortSignal): QuayError {
  const reason: unknown = signal.reason;
  const text = reason instanceof Error ? reason.message : String(reason);
  return new QuayError('aborted', `${what}: ${text}`, { cause: reason });
}
