/**
 * The work queue: a set of keys, not of events (design 1 and 3, IR-REC-2). A key waits at most once, never runs twice at
 * the same time, and when it is added while it runs it runs once more afterwards.
 */
import type { Clock } from '../../shared/runtime/clock.ts';
import { MAX_BATCH_SIZE, type Trigger } from '../../shared/runtime/contract.ts';
import { createDueHeap, type Due, type DueHeap } from './due-heap.ts';

/**
 * Which work goes first: `now` what a person or a change asked for, and what depends on it, `timer` intervals, `retry` what
 * failed before (apart from the healthy, so that no batch of those waits for a registry that does not answer),
 * `initial` what the start of the relay found, `check` what it found settled and looks at once more.
 */
export const LANES = ['now', 'timer', 'retry', 'initial', 'check'] as const;
export type Lane = (typeof LANES)[number];

/** Triggers from weak to strong: when a key is asked for twice, the stronger one tells why it runs. */
const STRENGTH: Record<Trigger, number> = { resync: 0, timer: 1, dependency: 2, change: 3, requested: 4 };

export interface Work extends Due {
  readonly lane: Lane;
  readonly trigger: Trigger;
  /** When it was added, for the time that it waited. */
  readonly addedAt: number;
}

export interface Queue {
  /** Keys that wait for a run, without those that wait for their own run to end. */
  readonly waiting: number;
  readonly running: number;
  /** A key waits or runs. */
  has(key: string): boolean;
  /** `due` in milliseconds since 1970, now when left out: the oldest goes first within its lane. */
  add(key: string, lane: Lane, trigger: Trigger, due?: number): void;
  /**
   * Takes up to `limit` keys of one lane, the first that has some to give; they count as running until `done`.
   * The lane `now` gives at once; the others gather until 25 keys wait or the oldest has waited `gatherMs`. What has
   * gathered then goes out together, also where a batch is smaller: many runs at a time need a third of the CPU of as
   * many runs one by one.
   */
  take(limit: number): Work[];
  /** Time at which `take` gives what it still gathers; undefined when nothing gathers. */
  gathersUntil(): number | undefined;
  /** The run of a key that was taken has ended. */
  done(key: string): void;
  /** Forgets what waits under a key. Its run, if there is one, is not touched. */
  remove(key: string): void;
}

/** @param options.gatherMs longest wait for a full batch, in milliseconds */
export function createQueue(clock: Clock, options: { gatherMs?: number } = {}): Queue {
  const gatherMs = options.gatherMs ?? 250;
  const lanes = Object.fromEntries(LANES.map((lane) => [lane, createDueHeap<Work>()])) as Record<
    Lane,
    DueHeap<Work>
  >;
  /** How many keys a lane still gives of those that have gathered in it. */
  const gathered = new Map<Lane, number>();
  /** Keys in a run, each with what was asked for since it started. */
  const running = new Map<string, Work | undefined>();

  const place = (work: Work) => {
    for (const lane of LANES) {
      const known = lanes[lane].get(work.key);
      if (!known) continue;
      lanes[lane].delete(work.key);
      work = merge(known, work);
      break;
    }
    lanes[work.lane].set(work);
  };

  const givesAt = (lane: Lane): number => {
    if (lane === 'now') return 0;
    const oldest = lanes[lane].peek()!;
    return Math.max(oldest.addedAt, oldest.due) + gatherMs;
  };

  /** How many of its keys a lane gives now, at most `limit`. */
  const granted = (lane: Lane, limit: number): number => {
    const { size } = lanes[lane];
    if (size === 0) {
      gathered.delete(lane);
      return 0;
    }
    let group = gathered.get(lane) ?? 0;
    if (group === 0 && (size >= MAX_BATCH_SIZE || givesAt(lane) <= clock.now())) {
      group = Math.min(size, MAX_BATCH_SIZE);
    }
    const count = Math.min(group, limit);
    gathered.set(lane, group - count);
    return count;
  };

  return {
    get waiting() {
      return LANES.reduce((sum, lane) => sum + lanes[lane].size, 0);
    },
    get running() {
      return running.size;
    },
    has: (key) => running.has(key) || LANES.some((lane) => lanes[lane].get(key) !== undefined),
    add(key, lane, trigger, due) {
      const now = clock.now();
      const work: Work = { key, lane, trigger, due: due ?? now, addedAt: now };
      if (!running.has(key)) return place(work);
      const again = running.get(key);
      running.set(key, again ? merge(again, work) : work);
    },
    take(limit) {
      for (const lane of LANES) {
        const count = granted(lane, limit);
        if (count === 0) continue;
        const taken: Work[] = [];
        while (taken.length < count && lanes[lane].size > 0) taken.push(lanes[lane].pop()!);
        for (const { key } of taken) running.set(key, undefined);
        return taken;
      }
      return [];
    },
    gathersUntil() {
      let earliest: number | undefined;
      for (const lane of LANES) {
        if (lanes[lane].size === 0) continue;
        earliest = Math.min(earliest ?? Number.POSITIVE_INFINITY, givesAt(lane));
      }
      return earliest;
    },
    done(key) {
      const again = running.get(key);
      running.delete(key);
      if (again) place(again);
    },
    remove(key) {
      for (const lane of LANES) lanes[lane].delete(key);
      if (running.has(key)) running.set(key, undefined);
    },
  };
}

/** Two requests for one key are one run: in the better lane, for the stronger reason, as old as the older one. */
function merge(a: Work, b: Work): Work {
  return {
    key: a.key,
    lane: LANES.indexOf(a.lane) <= LANES.indexOf(b.lane) ? a.lane : b.lane,
    trigger: STRENGTH[a.trigger] >= STRENGTH[b.trigger] ? a.trigger : b.trigger,
    due: Math.min(a.due, b.due),
    addedAt: Math.min(a.addedAt, b.addedAt),
  };
}
