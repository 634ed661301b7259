/** Why a policy picks a tag, and why not the others: for people at a command line. */
import { compareText, type Judgement, type Ordering } from './ordering.ts';

/** What a policy thinks of one tag. */
export interface TagVerdict {
  tag: string;
  /** What the filter made of it; null: the filter left it out. */
  value: string | null;
  /** Whether it was handed to the rule. */
  candidate: boolean;
  /** Whether the rule accepts it. */
  matches: boolean;
  /** The version that the rule `semver` reads. */
  version?: string;
  /** Why it was or was not picked. */
  why: string;
}

/** A tag with its value, undefined where the filter left it out. */
export type FilteredTag = readonly [tag: string, value: string | undefined];

/**
 * A verdict on every tag, in order of preference: candidates that match, candidates that do not, tags whose value
 * another tag has, tags that the filter left out.
 * @param tags distinct ones; @param representatives the tag of each value; @param chosen undefined: none was picked
 */
export function explainTags(
  tags: readonly FilteredTag[],
  representatives: ReadonlyMap<string, string>,
  ordering: Ordering,
  chosen: string | undefined,
): TagVerdict[] {
  const ranked = tags.map(([tag, value]) => rank(tag, value, representatives, ordering));
  ranked.sort(
    (a, b) =>
      a.rank - b.rank ||
      (a.verdict.value === null || b.verdict.value === null
        ? 0
        : ordering.compare(a.verdict.value, b.verdict.value)) ||
      compareText(b.verdict.tag, a.verdict.tag),
  );
  for (const { verdict } of ranked) {
    if (verdict.tag === chosen) verdict.why = 'chosen';
    else if (verdict.why === '') verdict.why = chosen === undefined ? NO_CHOICE : `${chosen} is preferred`;
  }
  return ranked.map(({ verdict }) => verdict);
}

/** A rule that accepts a tag and picks none has met one that spoils the whole evaluation (IR-NUM-1). */
const NO_CHOICE = 'no tag is chosen, because of a candidate that is not a number';

function rank(
  tag: string,
  value: string | undefined,
  representatives: ReadonlyMap<string, string>,
  ordering: Ordering,
): { rank: number; verdict: TagVerdict } {
  const unfit = { tag, candidate: false, matches: false };
  if (value === undefined) {
    return { rank: 3, verdict: { ...unfit, value: null, why: 'the filter pattern does not match' } };
  }
  const representative = representatives.get(value);
  if (representative !== tag) {
    const why = `${representative} has the same value and comes first`;
    return { rank: 2, verdict: { ...unfit, value, why } };
  }
  const judgement: Judgement = ordering.judge(value);
  return { rank: judgement.matches ? 0 : 1, verdict: { tag, value, candidate: true, ...judgement } };
}
