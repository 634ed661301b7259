/** How a run ended. */
import type { ImageRepository } from '../../shared/api/image-repository.ts';
import { messageOf, RetryError, StalledError } from '../../shared/runtime/errors.ts';
import type { ScanFound } from './scan.ts';

/** Characters of a failure's message. */
const LONGEST_MESSAGE = 1000;

/** The stored tags are as they should be. */
export interface Success {
  result: 'ok';
  canonicalName: string;
  /** The effective list. */
  exclusionList: string[];
  /** What is stored: by this scan, or by the last one when none was due. */
  tagCount: number;
  revision: string;
  /** Undefined: no scan was due. */
  scan: ScanFound | undefined;
  /** Time until the next run in milliseconds; 0: no timer. */
  waitMs: number;
}

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

export type Verdict = Success | Failure;

/**
 * The verdict on a run that threw.
 * @param scrub takes the secrets of the run out of a text
 * @throws the error itself when it is neither a `StalledError` nor a `RetryError`: then no rung of the ladder failed
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

/** Messages quote what people and registries wrote; a status, an event and a line of a table are no place for all of it. */
function bounded(message: string): string {
  return message.length <= LONGEST_MESSAGE
    ? message
    : `${message.slice(0, LONGEST_MESSAGE - 1).toWellFormed()}…`;
}

/**
 * The revision that dependents must hear of; undefined when they know it (IR-POL-7). A scan that stored its tags but
 * could not write its status has told nobody: the run after it does, although it finds nothing new itself.
 * @param before the object as the run found it; @param attempt failed runs before this one
 */
export function changedRevision(
  before: ImageRepository,
  verdict: Success,
  attempt: number,
): string | undefined {
  if (!verdict.scan) return undefined;
  const told = before.status?.lastScanResult?.revision;
  const untold = told === undefined ? attempt > 0 : told !== verdict.revision;
  return verdict.scan.changed || untold ? verdict.revision : undefined;
}
