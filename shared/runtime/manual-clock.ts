/** A clock for tests: time stands still until the test moves it. */
import type { Clock } from './clock.ts';

export interface ManualClock extends Clock {
  /** Moves the time on and calls what has become due, each at its own time. */
  advance(ms: number): void;
  /** Timers that have not rung. */
  readonly pending: number;
}

export function createManualClock(start = Date.UTC(2026, 0, 1)): ManualClock {
  let now = start;
  let turn = 0;
  const timers = new Map<number, { at: number; ring: () => void }>();
  return {
    now: () => now,
    after(ms, callback) {
      const id = turn++;
      timers.set(id, { at: now + ms, ring: callback });
      return () => void timers.delete(id);
    },
    advance(ms) {
      const end = now + ms;
      for (;;) {
        const due = [...timers].filter(([, { at }]) => at <= end).sort((a, b) => a[1].at - b[1].at)[0];
        if (!due) break;
        timers.delete(due[0]);
        now = Math.max(now, due[1].at);
        due[1].ring();
      }
      now = end;
    },
    get pending() {
      return timers.size;
    },
  };
}
