/** The conditions of an `OCIRepository` as data (17.1), and what `Ready` makes of the others (17.5). */
import {
  findCondition,
  removeCondition,
  type Statement,
  setCondition,
} from '../../shared/kube/conditions.ts';
import type { Condition } from '../../shared/kube/resource.ts';

/** The types that are ours, but for `Ready`, in the order in which they decide about it. */
const DECIDING = [
  'StorageOperationFailed',
  'FetchFailed',
  'ArtifactOutdated',
  'ArtifactInStorage',
  'SourceVerified',
  'Stalled',
  'Reconciling',
] as const;

/** Those that are good news while they are True; the others are there only while something is wrong or under way. */
const POSITIVE: readonly string[] = ['ArtifactInStorage', 'SourceVerified'];

type ConditionType = (typeof DECIDING)[number];

/** All that we write; others are left as they are found (3.3). */
export const OWNED: readonly string[] = [...DECIDING, 'Ready'];

/** What one condition shall say; its `observedGeneration` is the object's. */
export type Claim = Pick<Statement, 'status' | 'reason' | 'message'>;

/** What the conditions shall be: a claim, `keep` for what is stored; what is not named is removed. */
export type Claims = Partial<Record<ConditionType, Claim | 'keep'>>;

/**
 * The whole new list. A condition that says what is stored keeps its time (17.2), and `Ready` follows from the rest.
 * @param generation the object's; @param now milliseconds since 1970
 */
export function claim(
  stored: readonly Condition[] | undefined,
  claims: Claims,
  generation: number,
  now: number,
): Condition[] {
  let conditions = [...(stored ?? [])];
  const set = (type: string, said: Claim) => {
    conditions = setCondition(conditions, { type, ...said, observedGeneration: generation }, now);
  };
  for (const type of DECIDING) {
    const said = claims[type];
    if (said === undefined) conditions = removeCondition(conditions, type);
    else if (said !== 'keep') set(type, said);
  }
  const ready = readyOf(conditions);
  if (ready) set('Ready', ready);
  return conditions;
}

/** The summary of the others: the first group with a member decides, and in it the first of the types. */
export function readyOf(conditions: readonly Condition[]): Claim | undefined {
  const verified = findCondition(conditions, 'SourceVerified');
  // Whatever else there is to say: what nobody vouches for is not ready.
  if (verified?.status === 'False') return verdictOf(verified, 'False');
  const present = DECIDING.map((type) => findCondition(conditions, type)).filter(
    (found) => found !== undefined,
  );
  const isPositive = ({ type }: Condition) => POSITIVE.includes(type);
  const groups: [Claim['status'], (condition: Condition) => boolean][] = [
    ['False', (condition) => !isPositive(condition) && condition.status === 'True'],
    ['False', (condition) => isPositive(condition) && condition.status === 'False'],
    ['True', (condition) => isPositive(condition) && condition.status === 'True'],
    ['True', (condition) => !isPositive(condition) && condition.status === 'False'],
    ['Unknown', (condition) => condition.status === 'Unknown'],
  ];
  for (const [status, isMember] of groups) {
    const deciding = present.find(isMember);
    if (deciding) return verdictOf(deciding, status);
  }
  return undefined;
}

function verdictOf({ reason, message }: Condition, status: Claim['status']): Claim {
  return { status, reason, message };
}
