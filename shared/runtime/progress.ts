/** What an object shows while a slow run works on it (IR 3.5, OCI 17.4, decisions 3): one patch at most, and none from quick runs. */
import { findCondition, progressing, type Statement, setCondition } from '../kube/conditions.ts';
import type { Condition, KubeObject, ReconcileStatus } from '../kube/resource.ts';
import type { Clock } from './clock.ts';

/** A run that ends sooner is seen by its result alone. */
const QUICK_MS = 250;

type Shown = KubeObject<unknown, ReconcileStatus>;

export interface ProgressOptions<T extends Shown> {
  clock: Clock;
  /** When the run started, in milliseconds since 1970. */
  startedAt: number;
  /** The object as it was read. */
  object: T;
  /** A request token waits for its answer. */
  requested: boolean;
  /** Reason of `Reconciling` until something is said; default `Progressing`. */
  reason?: string;
  /** Writes these conditions; answers the object as it is stored then, undefined when it is gone. Must not throw. */
  write(conditions: Condition[]): Promise<T | undefined>;
}

/** What a run is at. */
export interface Said {
  message: string;
  /** Reason of `Reconciling`; absent: the one before. */
  reason?: string;
  /** It is worth a patch although nobody changed or asked for anything: what was published is missing or outdated. */
  isNews?: boolean;
  /** `unknown`: `Ready` says the same words; `keep`: it keeps standing. */
  ready?: 'keep' | 'unknown';
  /** Shown beside `Reconciling`, e.g. `ArtifactOutdated`. */
  beside?: Statement[];
}

export interface Progress<T> {
  /** The last thing that was said: a failed run leaves it in `Reconciling` (IR-REC-13). */
  message(): string;
  say(what: Said): void;
  /** Nothing more is said; a patch on its way is awaited. Answers the object as it is stored now. */
  settle(): Promise<T>;
}

/** Starts to watch one run. The patch goes out at the first moment from 250 ms on at which there is something to tell. */
export function startProgress<T extends Shown>(options: ProgressOptions<T>): Progress<T> {
  const { clock, startedAt, object } = options;
  const generation = object.metadata.generation ?? 0;
  const observed = object.status?.observedGeneration ?? -1;

  let said: Required<Said> = {
    message:
      observed === generation
        ? 'reconciliation in progress'
        : `processing object: new generation ${observed} -> ${generation}`,
    reason: options.reason ?? 'Progressing',
    isNews: observed !== generation || options.requested,
    ready: 'keep',
    beside: [],
  };
  let slow = false;
  let patch: Promise<T | undefined> | undefined;

  const tell = () => {
    if (!slow || patch || !said.isNews) return;
    const stored = object.status?.conditions ?? [];
    let conditions = progressing(stored, { ...said, generation }, clock.now());
    for (const statement of said.beside) conditions = setCondition(conditions, statement, clock.now());
    const beside = said.beside.map(({ type }) => type);
    const types = isRepeated(stored, generation) ? beside : ['Reconciling', 'Ready', ...beside];
    if (!alreadySaid(stored, conditions, types)) patch = options.write(conditions);
  };
  const cancel = clock.after(Math.max(0, startedAt + QUICK_MS - clock.now()), () => {
    slow = true;
    tell();
  });

  return {
    message: () => said.message,
    say({ message, reason = said.reason, isNews = false, ready = 'keep', beside = [] }) {
      said = { message, reason, isNews: isNews || said.isNews, ready, beside };
      tell();
    },
    async settle() {
      cancel();
      slow = false;
      return (await patch) ?? object;
    },
  };
}

/** A run that repeats a failed one says no more than what it has newly seen: else `Ready` would flap at every repetition. */
function isRepeated(stored: readonly Condition[], generation: number): boolean {
  const reconciling = findCondition(stored, 'Reconciling');
  return reconciling?.reason === 'ProgressingWithRetry' && reconciling.observedGeneration === generation;
}

/** Whether the stored conditions tell the same. */
function alreadySaid(
  stored: readonly Condition[],
  told: readonly Condition[],
  types: readonly string[],
): boolean {
  return types.every((type) => {
    const before = findCondition(stored, type);
    const after = findCondition(told, type);
    return (
      before?.status === after?.status &&
      before?.message === after?.message &&
      before?.observedGeneration === after?.observedGeneration
    );
  });
}
