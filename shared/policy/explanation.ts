/** Why a policy picks a tag, and why not the others: for people at a command line. */
import { compareText, type Ordering } from './ordering.ts';
import type { TagFilter } from './tag-filter.ts';

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

export interface ExplainOptions {
  filter: TagFilter;
  /** The tag that represents each value. */
  candidates: ReadonlyMap<string, string>;
  ordering: Ordering;
  /** The tag that is picked; undefined: none. */
  chosen: string | undefined;
}

/**
 * A verdict on every tag, in order of preference: candidates that match, candidates that do not, tags whose value
 * another tag has, tags that the filter left out.
 * @param tags distinct ones
 */
export function explainTags(tags: readonly string[], options: ExplainOptions): TagVerdict[] {
  const { ordering, chosen } = options;
  const ranked = tags.map((tag) => rank(tag, options));
  ranked.sort((a, b) => a.rank - b.rank || compareVerdicts(a.verdict, b.verdict, ordering));
  return ranked.map(({ verdict }) => {
    if (verdict.tag === chosen) return { ...verdict, why: 'chosen' };
    if (verdict.why !== '') return verdict;
    return { ...verdict, why: chosen === undefined ? NO_CHOICE : `${chosen} is preferred` };
  });
}

/** A rule that accepts a tag and picks none has met one that spoils the whole evaluation (IR-NUM-1). */
const NO_CHOICE = 'no tag is chosen, because of a candidate that is not a number';

function compareVerdicts(a: TagVerdict, b: TagVerdict, ordering: Ordering): number {
  const byValue = a.value === null || b.value === null ? 0 : ordering.compare(a.value, b.value);
  return byValue || compareText(b.tag, a.tag);
}

function rank(
  tag: string,
  { filter, candidates, ordering }: ExplainOptions,
): { rank: number; verdict: TagVerdict } {
  const unfit = { tag, candidate: false, matches: false };
  const value = filter(tag);
  if (value === undefined) {
    return { rank: 3, verdict: { ...unfit, value: null, why: 'the filter pattern does not match' } };
  }
  const representative = candidates.get(value);
  if (representative !== tag) {
    const why = `${representative} has the same value and comes first`;
    return { rank: 2, verdict: { ...unfit, value, why } };
  }
  const judgement = ordering.judge(value);
  return { rank: judgement.matches ? 0 : 1, verdict: { tag, value, candidate: true, ...judgement } };
}
