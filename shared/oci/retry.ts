/** Short repeats inside a run (IR-REG-6). */
import { type Clock, sleep } from '../runtime/clock.ts';
import { RegistryError } from './errors.ts';
import { stopped } from './http-exchange.ts';

/** The pauses before the second and the third try. */
const PAUSES_MS = [1000, 3000];

/** The time at which a registry wants to be asked again; shared by all that ask it the same way. */
export interface Throttle {
  quietUntil: number;
}

export interface RetryOptions {
  clock: Clock;
  /** Milliseconds since 1970; a pause that ends later is not made. */
  deadline: number;
  throttle: Throttle;
}

/**
 * Runs `work` up to three times while its failure is one that may pass. `Retry-After` of 429 and 503 is respected as
 * far as the deadline allows, also by everybody else who shares `throttle`.
 * @throws what the last try threw
 */
export async function withRetries<T>(
  work: () => Promise<T>,
  { clock, deadline, throttle }: RetryOptions,
  signal: AbortSignal,
): Promise<T> {
  for (let tries = 0; ; tries++) {
    const quiet = throttle.quietUntil - clock.now();
    if (quiet > 0 && throttle.quietUntil <= deadline) {
      await pause(clock, quiet, 'waiting as the registry asked', signal);
    }
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof RegistryError) || !error.transient) throw error;
      const asked = error.status === 429 || error.status === 503 ? error.retryAfterMs : undefined;
      const wait = Math.max(PAUSES_MS[tries] ?? 0, asked ?? 0);
      if (asked !== undefined) throttle.quietUntil = Math.max(throttle.quietUntil, clock.now() + wait);
      if (tries === PAUSES_MS.length || clock.now() + wait > deadline) throw error;
      await pause(clock, wait, error.message, signal);
    }
  }
}

/** @param after what the message tells when the deadline ends the pause */
async function pause(clock: Clock, ms: number, after: string, signal: AbortSignal): Promise<void> {
  try {
    await sleep(clock, ms, signal);
  } catch {
    throw stopped(after, signal);
  }
}
