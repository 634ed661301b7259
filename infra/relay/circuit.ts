/**
 * Keeps a function that does not answer from being asked all the time: after five failures in a row the circuit opens,
 * then one batch every ten seconds tries whether it is back (design section 3). A throttled function is left alone for
 * as long as it asks.
 */
import type { Clock } from '../../shared/runtime/clock.ts';

const FAILURES_TO_OPEN = 5;
const PROBE_MS = 10_000;
const FIRST_DELAY_MS = 750;

export interface Circuit {
  /** No answer for a while: only probes go out. */
  readonly open: boolean;
  /** When the next batch may go out, in milliseconds since 1970; a time in the past: now. */
  readonly allowsAt: number;
  /** A batch goes out. */
  sent(): void;
  /** The function answered a batch, or asked us to wait. */
  answered(): void;
  /** Nobody answered. Gives the wait in milliseconds after which the keys of the batch may be tried again. */
  unanswered(): number;
  /** No batch before `ms` have passed. */
  pause(ms: number): void;
}

export function createCircuit(clock: Clock): Circuit {
  let failures = 0;
  let allowsAt = 0;
  const isOpen = () => failures >= FAILURES_TO_OPEN;
  const pause = (ms: number) => {
    allowsAt = Math.max(allowsAt, clock.now() + ms);
  };
  return {
    get open() {
      return isOpen();
    },
    get allowsAt() {
      return allowsAt;
    },
    sent() {
      if (isOpen()) pause(PROBE_MS);
    },
    answered() {
      if (isOpen()) allowsAt = 0;
      failures = 0;
    },
    unanswered() {
      failures += 1;
      if (isOpen()) pause(PROBE_MS);
      return Math.min(FIRST_DELAY_MS * 2 ** (failures - 1), PROBE_MS);
    },
    pause,
  };
}
