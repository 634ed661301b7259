/** One deadline for everything that a run does outside of the cluster: `spec.timeout`, or what the function has left. */
import type { Clock } from './clock.ts';
import { formatDuration } from './duration.ts';

/** Kept for the status write, the event and the answer (IR-REPO-3). */
const RESERVE_MS = 10_000;

const SHORTEST_MS = 1000;

/** The deadline passed. The message says whose it was. */
export class TimeoutError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'TimeoutError';
  }
}

export interface Timeout {
  /** Aborts with a `TimeoutError`, or with the reason of the run's own signal. */
  signal: AbortSignal;
  /** When it aborts: milliseconds since 1970. */
  deadline: number;
  /** Ends the waiting; to be called when the work is done. */
  stop(): void;
}

/**
 * Starts the clock of 5.1 step 4.
 * @param timeoutMs timeout of the object
 * @param run its `deadline` (milliseconds since 1970) minus 10 s bounds the time; its signal ends it at once
 * @param prefix what the message begins with, for kinds whose users know it by other words
 */
export function startTimeout(
  timeoutMs: number,
  run: { clock: Clock; deadline: number; signal: AbortSignal },
  prefix = '',
): Timeout {
  const now = run.clock.now();
  const left = Math.max(run.deadline - now - RESERVE_MS, SHORTEST_MS);
  const ms = Math.min(timeoutMs, left);
  const controller = new AbortController();
  const cancel = run.clock.after(ms, () =>
    controller.abort(new TimeoutError(prefix + timeoutText(timeoutMs, left))),
  );
  const onAbort = () => controller.abort(run.signal.reason);
  if (run.signal.aborted) onAbort();
  else run.signal.addEventListener('abort', onAbort, { once: true });
  return {
    signal: controller.signal,
    deadline: now + ms,
    stop() {
      cancel();
      run.signal.removeEventListener('abort', onAbort);
    },
  };
}

function timeoutText(wanted: number, left: number): string {
  if (wanted <= left) return `deadline of ${formatDuration(wanted)} exceeded`;
  return (
    `deadline of ${formatDuration(left)} exceeded: the function had no more time left, ` +
    `the timeout of the object is ${formatDuration(wanted)}`
  );
}
