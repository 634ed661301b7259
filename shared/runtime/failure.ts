/** How a run that failed ends: what went wrong in a step, as its object and the relay are told. */
import { RegistryError } from '../oci/errors.ts';
import { messageOf, RetryError, StalledError } from './errors.ts';
import { TimeoutError } from './timeout.ts';

/** Characters of a failure's message. */
const LONGEST_MESSAGE = 1000;

/**
 * `progress`: the last progress message; `cause`: what the registry or a Secret did; `retryAfterMs`: the wait that the
 * registry asked for, where it takes the place of the back-off.
 */
export type Failure =
  | { result: 'stalled'; reason: string; message: string }
  | {
      result: 'retry';
      reason: string;
      message: string;
      progress: string;
      cause: unknown;
      retryAfterMs?: number;
    };

/**
 * The verdict on a run that threw.
 * @param scrub takes the secrets of the run out of a text
 * @throws the error itself when it is neither a `StalledError` nor a `RetryError`: then no step of the run failed
 */
export function failureOf(error: unknown, progress: string, scrub: (text: string) => string): Failure {
  if (error instanceof StalledError) {
    return { result: 'stalled', reason: error.reason, message: bounded(scrub(messageOf(error))) };
  }
  if (!(error instanceof RetryError)) throw error;
  const { reason, cause, retryAfterMs } = error;
  const message = bounded(scrub(messageOf(error)));
  return { result: 'retry', reason, message, progress, cause, ...(retryAfterMs && { retryAfterMs }) };
}

/** What a step is called in conditions. */
export interface Step {
  reason: string;
  /** What its message begins with. */
  prefix: string;
}

/**
 * Runs one step, which may pass by itself when it fails, under its name.
 * @param signal of the object's timeout: a step that it ended says so
 * @throws RetryError with the step's reason and prefix; a `StalledError` as it is, and so the run's own reason when the
 *   run was stopped
 */
export async function inStep<T>(
  { reason, prefix }: Step,
  signal: AbortSignal,
  work: () => T | Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!signal.aborted) {
      if (error instanceof StalledError) throw error;
      const retryAfterMs = error instanceof RegistryError ? error.postponedMs : undefined;
      throw new RetryError(reason, `${prefix}${messageOf(error)}`, { cause: error, retryAfterMs });
    }
    if (!(signal.reason instanceof TimeoutError)) throw signal.reason;
    throw new RetryError(reason, `${prefix}${messageOf(signal.reason)}`, { cause: error });
  }
}

/** Messages quote what people and registries wrote; a status, an event and a line of a table are no place for all of it. */
function bounded(message: string): string {
  return message.length <= LONGEST_MESSAGE
    ? message
    : `${message.slice(0, LONGEST_MESSAGE - 1).toWellFormed()}…`;
}
