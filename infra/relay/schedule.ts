/**
 * When each key is due next: one heap of times, one timer (design section 3). Timers are derived state (IR-RUN-5): a
 * relay that starts computes them from the statuses (`firstDue`).
 */
import type { Clock } from '../../shared/runtime/clock.ts';
import { createDueHeap, type Due } from './due-heap.ts';

export interface Schedule {
  readonly size: number;
  /** Due at `due` (milliseconds since 1970); replaces the time that the key had. */
  set(key: string, due: number): void;
  remove(key: string): void;
  /** The time that the key has; undefined when it has none. */
  dueOf(key: string): number | undefined;
  stop(): void;
}

/** @param fire called once for each key when its time has come, the oldest first */
export function createSchedule(clock: Clock, fire: (key: string, due: number) => void): Schedule {
  const heap = createDueHeap<Due>();
  let armedFor: number | undefined;
  let cancel = () => {};
  let stopped = false;

  const arm = () => {
    if (stopped) return;
    const next = heap.peek()?.due;
    if (next === armedFor) return;
    cancel();
    armedFor = next;
    cancel = next === undefined ? () => {} : clock.after(Math.max(0, next - clock.now()), ring);
  };

  const ring = () => {
    armedFor = undefined;
    const now = clock.now();
    for (let next = heap.peek(); next && next.due <= now; next = heap.peek()) {
      heap.pop();
      fire(next.key, next.due);
    }
    arm();
  };

  return {
    get size() {
      return heap.size;
    },
    set(key, due) {
      heap.set({ key, due });
      arm();
    },
    remove(key) {
      heap.delete(key);
      arm();
    },
    dueOf: (key) => heap.get(key)?.due,
    stop() {
      stopped = true;
      cancel();
    },
  };
}

/**
 * When an object that the start of the relay found settled is due: its last run + interval where the status has a time,
 * at most one interval from now (a clock that was ahead, IR-REPO-6); else spread over one interval by its UID, so that
 * a restart starts no herd. No interval: undefined, no timer.
 */
export function firstDue(
  object: { uid: string; intervalMs: number; lastRunAt: number | undefined },
  now: number,
): number | undefined {
  const { uid, intervalMs, lastRunAt } = object;
  if (!(intervalMs > 0)) return undefined;
  if (lastRunAt === undefined) return now + spread(uid) * intervalMs;
  return Math.min(lastRunAt, now) + intervalMs;
}

/** `ms` ± `percent`, uniformly (IR-REC-23). @param random from 0 to 1 */
export function jitter(ms: number, percent: number, random: () => number): number {
  return percent === 0 ? ms : ms * (1 + ((2 * random() - 1) * percent) / 100);
}

/** A number from 0 to 1 that is the same for the same text and evenly spread over many: FNV-1a. */
function spread(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  }
  // The high bits of FNV-1a move little with the last letters: mix them once more.
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return ((hash ^ (hash >>> 13)) >>> 0) / 2 ** 32;
}
