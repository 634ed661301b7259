/** Short repeats inside a run (IR-REG-6). */
import { type Clock, sleep } from '../runtime/clock.ts';
import { RegistryError } from './errors.ts';
import { stopped } from './http-exchange.ts';
import { type Pace, waitText } from './pace.ts';

/** The pauses before the second and the third try. */
const PAUSES_MS = [1000, 3000];

/**
 * The longest `Retry-After` that a run sleeps. A run that sleeps costs a place among those in flight, and in Lambda
 * money by the second; a longer wait ends it, and whoever starts runs waits for nothing.
 */
const LONGEST_PAUSE_MS = 10_000;

/** What a run loses to time-outs of single requests in all: three without an answer, but not two with half of one. */
const MOST_LOST_MS = 90_000;

/** What the requests of one run share. */
export interface Course {
  clock: Clock;
  /** Milliseconds since 1970; a pause that ends later is not made. */
  deadline: number;
  /** Shared with all that ask the registry the same way. */
  pace: Pace;
  /** Lost to time-outs so far, in milliseconds. */
  lostMs: number;
}

/**
 * Runs `work` up to three times while its failure is one that may pass. `Retry-After` of 429 and 503 is waited for up to
 * 10 s and the deadline, also by everybody else who shares the pace; a longer one is carried out in `postponedMs`.
 * @param what names the request, for the message when it is not made
 * @throws what the last try threw
 */
export async function withRetries<T>(
  work: () => Promise<T>,
  what: () => string,
  course: Course,
  signal: AbortSignal,
): Promise<T> {
  const { clock, deadline, pace } = course;
  let probing = false;

  const attempt = async (): Promise<T> => {
    await pace.enter(what, signal);
    try {
      const quiet = pace.quietMs(clock.now());
      if (isTooLong(quiet, course)) throw pace.quietError(what(), clock.now());
      if (quiet > 0) await pause(clock, quiet, 'waiting as the registry asked', signal);
      probing ||= pace.admit(what, clock.now());
      return await work().then(
        (result) => {
          pace.answered();
          return result;
        },
        (error) => {
          if (error instanceof RegistryError) pace.failed(error, clock.now());
          throw error;
        },
      );
    } finally {
      pace.leave();
    }
  };

  try {
    for (let tries = 0; ; tries++) {
      try {
        return await attempt();
      } catch (error) {
        if (!(error instanceof RegistryError) || !error.transient) throw error;
        const asked = error.status === 429 || error.status === 503 ? (error.retryAfterMs ?? 0) : 0;
        if (isTooLong(asked, course)) throw postponed(error, asked, pace.quietMs(clock.now()));
        const wait = Math.max(PAUSES_MS[tries] ?? 0, asked);
        if (tries === PAUSES_MS.length || clock.now() + wait > deadline) throw error;
        course.lostMs += error.lostMs;
        if (course.lostMs + error.lostMs > MOST_LOST_MS) throw error;
        // All that waited for the same silent registry give up together: only one of them goes on.
        if (error.silent) probing ||= pace.beginProbe();
        if (error.silent && !probing) throw error;
        await pause(clock, wait, error.message, signal);
      }
    }
  } finally {
    if (probing) pace.endProbe();
  }
}

function isTooLong(ms: number, { clock, deadline }: Course): boolean {
  return ms > LONGEST_PAUSE_MS || (ms > 0 && clock.now() + ms > deadline);
}

function postponed(error: RegistryError, asked: number, postponedMs: number): RegistryError {
  const { code, status, codes, retryAfterMs } = error;
  const options = { status, codes: [...codes], retryAfterMs, postponedMs, cause: error };
  return new RegistryError(code, error.message + waitText(asked), options);
}

/** @param after what the message tells when the deadline ends the pause */
async function pause(clock: Clock, ms: number, after: string, signal: AbortSignal): Promise<void> {
  try {
    await sleep(clock, ms, signal);
  } catch {
    throw stopped(after, signal);
  }
}
