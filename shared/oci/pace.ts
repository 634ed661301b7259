/**
 * How often one registry may be asked through one access: by so many at a time, not while it wants to be left alone, and
 * after a silence by one at a time. So nobody spends a run, which costs money and a place, on what is known to fail.
 */
import { formatDuration } from '../runtime/duration.ts';
import { MAX_SOCKETS } from './connections.ts';
import { RegistryError, type RegistryErrorCode } from './errors.ts';
import { stopped } from './http-exchange.ts';

/** No registry shuts us out for longer, whatever its `Retry-After` says. */
const LONGEST_QUIET_MS = 15 * 60_000;
/** A registry that did not answer is left alone for so long. */
const SILENCE_MS = 30_000;

/** A wait that a registry asked for (`Retry-After`). */
interface Quiet {
  until: number;
  /** As it was asked for. */
  askedMs: number;
  code: RegistryErrorCode;
  status: number;
}

export class Pace {
  #quiet: Quiet | undefined;
  /** `until` when nobody asks again, after how long the last request was given up. */
  #silence: { until: number; lostMs: number } | undefined;
  #probing = false;
  #inside = 0;
  readonly #waiting = new Set<() => void>();

  /**
   * Waits for one of the places; `leave` gives it back. Who waited here and not for a connection finds out at its turn
   * what the others have learnt.
   */
  async enter(what: () => string, signal: AbortSignal): Promise<void> {
    if (this.#inside < MAX_SOCKETS) {
      this.#inside += 1;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const onAbort = () => {
        this.#waiting.delete(onTurn);
        reject(stopped(`${what()}: waiting for other requests to the registry`, signal));
      };
      const onTurn = () => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      };
      if (signal.aborted) return onAbort();
      this.#waiting.add(onTurn);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  leave(): void {
    const [next] = this.#waiting;
    if (!next) {
      this.#inside -= 1;
      return;
    }
    this.#waiting.delete(next);
    next();
  }

  /** Milliseconds for which the registry still wants to be left alone; 0: it does not. */
  quietMs(now: number): number {
    return this.#quiet ? Math.max(0, this.#quiet.until - now) : 0;
  }

  /** What to throw instead of asking a registry that wants to be left alone. The same text until it may be asked. */
  quietError(what: string, now: number): RegistryError {
    const { askedMs, code, status } = this.#quiet!;
    const text = `${what}: not asked after status code ${status}${waitText(askedMs)}`;
    return new RegistryError(code, text, { status, postponedMs: this.quietMs(now) });
  }

  /**
   * Lets through who may ask a registry that was silent: one, after a while.
   * @returns whether this is the one; then `endProbe` is to be called
   * @throws RegistryError for everybody else; the same text each time: a changing one would change the status each time
   */
  admit(what: () => string, now: number): boolean {
    if (!this.#silence) return false;
    if (now >= this.#silence.until && this.beginProbe()) return true;
    const silent = `the registry gave no answer for ${formatDuration(this.#silence.lostMs)}`;
    throw new RegistryError(
      'timeout',
      `${what()}: not asked: ${silent}; one object at a time tries it again`,
    );
  }

  /** @returns whether the caller is the only one that may go on asking */
  beginProbe(): boolean {
    if (this.#probing) return false;
    this.#probing = true;
    return true;
  }

  endProbe(): void {
    this.#probing = false;
  }

  answered(): void {
    this.#silence = undefined;
  }

  /** Learns from a request that failed. */
  failed({ code, status, silent, lostMs, retryAfterMs }: RegistryError, now: number): void {
    if (silent) this.#silence = { until: now + SILENCE_MS, lostMs };
    else if (code !== 'timeout' && code !== 'aborted') this.answered();
    if (retryAfterMs === undefined || (status !== 429 && status !== 503)) return;
    const until = now + Math.min(retryAfterMs, LONGEST_QUIET_MS);
    if (until > (this.#quiet?.until ?? now)) this.#quiet = { until, askedMs: retryAfterMs, code, status };
  }
}

/** What a message says of a wait that is not made. */
export function waitText(ms: number): string {
  return `; the registry asks to wait ${formatDuration(Math.ceil(ms / 1000) * 1000)}`;
}
