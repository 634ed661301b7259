/**
 * Conditions as kstatus reads them, and the pictures that an object shows at rest (spec 2.8, 3.5). Pure: each function
 * takes the stored list and gives the whole new one. Types that are not ours stay untouched.
 */
import type { Condition } from './resource.ts';

/** The types that a reconciler of the toolkit owns, in the order in which they are stored (IR-REC-10). */
export const OWNED_CONDITIONS: readonly string[] = ['Stalled', 'Reconciling', 'Ready'];

/** Longest message that the schema of a condition admits. */
const LONGEST_MESSAGE = 32_768;

/** What a condition says, without its time. */
export type Statement = Pick<Condition, 'type' | 'status' | 'reason' | 'message' | 'observedGeneration'>;

/** What an end state tells: `generation` is the object's. */
export interface Picture {
  reason: string;
  message: string;
  generation: number;
}

export function findCondition(
  conditions: readonly Condition[] | undefined,
  type: string,
): Condition | undefined {
  return conditions?.find((condition) => condition.type === type);
}

export function removeCondition(conditions: readonly Condition[] | undefined, type: string): Condition[] {
  return (conditions ?? []).filter((condition) => condition.type !== type);
}

/**
 * Sets one condition. Its time moves when status, reason or message differs from the stored one (IR-REC-10,
 * decisions 14); a message that is too long is cut, never a reason for a failed patch (2.8).
 * @param now milliseconds since 1970
 */
export function setCondition(
  conditions: readonly Condition[] | undefined,
  statement: Statement,
  now: number,
): Condition[] {
  const { type, status, reason, observedGeneration } = statement;
  const message = cutMessage(statement.message);
  const stored = findCondition(conditions, type);
  const stands = stored?.status === status && stored.reason === reason && stored.message === message;
  const condition: Condition = {
    type,
    status,
    reason,
    message,
    lastTransitionTime: stands ? stored.lastTransitionTime : rfc3339(now),
    ...(observedGeneration !== undefined && { observedGeneration }),
  };
  return ordered([...removeCondition(conditions, type), condition]);
}

/** Success: `Ready=True` and nothing else of ours (IR-REC-11). */
export function succeeded(
  conditions: readonly Condition[] | undefined,
  { reason, message, generation }: Picture,
  now: number,
): Condition[] {
  const others = removeCondition(removeCondition(conditions, 'Stalled'), 'Reconciling');
  const ready = { type: 'Ready', status: 'True', reason, message, observedGeneration: generation } as const;
  return setCondition(others, ready, now);
}

/**
 * A failure that is retried: `Ready=False`, `Reconciling=True` with reason `ProgressingWithRetry` (IR-REC-11).
 * @param picture `progress`: the last progress message of the run (IR-REC-13)
 */
export function retrying(
  conditions: readonly Condition[] | undefined,
  { reason, message, progress, generation }: Picture & { progress: string },
  now: number,
): Condition[] {
  const observedGeneration = generation;
  const reconciling = {
    type: 'Reconciling',
    status: 'True',
    reason: 'ProgressingWithRetry',
    message: progress,
  } as const;
  const ready = { type: 'Ready', status: 'False', reason, message } as const;
  const others = removeCondition(conditions, 'Stalled');
  const shown = setCondition(others, { ...reconciling, observedGeneration }, now);
  return setCondition(shown, { ...ready, observedGeneration }, now);
}

/** A failure that only a change repairs: `Stalled=True`, `Ready=False` with the same words (IR-REC-11, IR-REC-12). */
export function stalled(
  conditions: readonly Condition[] | undefined,
  { reason, message, generation }: Picture,
  now: number,
): Condition[] {
  const words = { reason, message, observedGeneration: generation };
  const others = removeCondition(conditions, 'Reconciling');
  const shown = setCondition(others, { type: 'Stalled', status: 'True', ...words }, now);
  return setCondition(shown, { type: 'Ready', status: 'False', ...words }, now);
}

/**
 * Work is on its way: `Reconciling=True`. `Ready` becomes `Unknown` with the same words when there is none that is
 * decided, or with `ready: 'unknown'`; else it keeps standing (IR-REC-13).
 */
export function progressing(
  conditions: readonly Condition[] | undefined,
  { reason, message, generation, ready = 'keep' }: Picture & { ready?: 'keep' | 'unknown' },
  now: number,
): Condition[] {
  const words = { reason, message, observedGeneration: generation };
  const others = removeCondition(conditions, 'Stalled');
  const shown = setCondition(others, { type: 'Reconciling', status: 'True', ...words }, now);
  const stored = findCondition(shown, 'Ready');
  if (ready === 'keep' && stored && stored.status !== 'Unknown') return shown;
  return setCondition(shown, { type: 'Ready', status: 'Unknown', ...words }, now);
}

/** A message as the schema admits it. Counted in UTF-16 units, of which there are never fewer than characters. */
export function cutMessage(message: string): string {
  if (message.length <= LONGEST_MESSAGE) return message;
  return `${message
    .slice(0, LONGEST_MESSAGE - 1)
    .toWellFormed()
    .replace(/\uFFFD$/, '')}…`;
}

/** RFC 3339 in whole seconds, UTC, as `metav1.Time` has it. */
export function rfc3339(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/** The three first; of the others those about the newest generation (OCI 17.3), then by name. */
function ordered(conditions: Condition[]): Condition[] {
  const age = (a: Condition, b: Condition) => (b.observedGeneration ?? 0) - (a.observedGeneration ?? 0);
  return conditions.sort((a, b) => rank(a) - rank(b) || age(a, b) || (a.type < b.type ? -1 : 1));
}

function rank(condition: Condition): number {
  const index = OWNED_CONDITIONS.indexOf(condition.type);
  return index < 0 ? OWNED_CONDITIONS.length : index;
}
