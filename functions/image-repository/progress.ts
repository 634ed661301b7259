/** What an object shows while a slow run works on it (3.5, decisions 3): one patch at most, and none from quick runs. */

import type { ImageRepository } from '../../shared/api/image-repository.ts';
import { findCondition, progressing } from '../../shared/kube/conditions.ts';
import type { Condition } from '../../shared/kube/resource.ts';
import type { Clock } from '../../shared/runtime/clock.ts';
import type { ScanReason } from './due.ts';

/** A run that ends sooner is seen by its result alone. */
const QUICK_MS = 250;

export interface ProgressOptions {
  clock: Clock;
  /** When the run started, in milliseconds since 1970. */
  startedAt: number;
  /** The object as it was read. */
  object: ImageRepository;
  /** A request token waits for its answer. */
  requested: boolean;
  /** Writes these conditions; answers the object as it is stored then, undefined when it is gone. Must not throw. */
  write(conditions: Condition[]): Promise<ImageRepository | undefined>;
}

export interface Progress {
  /** The last thing that was said: a failed run leaves it in `Reconciling` (IR-REC-13). */
  message(): string;
  /** A scan begins. */
  scanning(reason: ScanReason): void;
  /** Nothing more is said; a patch on its way is awaited. Answers the object as it is stored now. */
  settle(): Promise<ImageRepository>;
}

/** Starts to watch one run. The patch goes out at the first moment from 250 ms on at which there is something to tell. */
export function startProgress(options: ProgressOptions): Progress {
  const { clock, startedAt, object } = options;
  const generation = object.metadata.generation ?? 0;
  const observed = object.status?.observedGeneration ?? -1;
  const isNews = observed !== generation || options.requested;

  let message =
    observed === generation
      ? 'reconciliation in progress'
      : `processing object: new generation ${observed} -> ${generation}`;
  let recordIsMissing = false;
  let slow = false;
  let patch: Promise<ImageRepository | undefined> | undefined;

  const tell = () => {
    if (!slow || patch || !(isNews || recordIsMissing)) return;
    const stored = object.status?.conditions ?? [];
    const ready = recordIsMissing ? 'unknown' : 'keep';
    const conditions = progressing(
      stored,
      { reason: 'Progressing', message, generation, ready },
      clock.now(),
    );
    if (!alreadySaid(stored, conditions)) patch = options.write(conditions);
  };
  const cancel = clock.after(Math.max(0, startedAt + QUICK_MS - clock.now()), () => {
    slow = true;
    tell();
  });

  return {
    message: () => message,
    scanning(reason) {
      message = `scanning: ${reason}`;
      recordIsMissing = reason === 'no tags in database';
      tell();
    },
    async settle() {
      cancel();
      slow = false;
      return (await patch) ?? object;
    },
  };
}

/** Whether the stored conditions tell the same. A run that repeats a failed one has nothing new to say. */
function alreadySaid(stored: readonly Condition[], told: readonly Condition[]): boolean {
  return (['Reconciling', 'Ready'] as const).every((type) => {
    const before = findCondition(stored, type);
    const after = findCondition(told, type);
    return (
      before?.status === after?.status &&
      before?.message === after?.message &&
      before?.observedGeneration === after?.observedGeneration
    );
  });
}
