/**
 * The one tag that should run (spec 8): a function of the tags, the filter and the rule, without side effects. The
 * function, the command line and the tests use the same one.
 */
import { forEachInTurns } from '../runtime/turns.ts';
import { orderByText } from './alphabetical.ts';
import { explainTags, type TagVerdict } from './explanation.ts';
import { orderByNumber } from './numerical.ts';
import type { Ordering } from './ordering.ts';
import { excerpt, PolicyError } from './policy-error.ts';
import { parseConstraint } from './semver-grammar.ts';
import { orderBySemver } from './semver-selection.ts';
import { compileFilter, type FilterTags, type TagFilter } from './tag-filter.ts';

/** `spec.policy`: one rule. Of several the first one given here counts (8.3). */
export interface PolicyChoice {
  semver?: { range: string };
  alphabetical?: { order?: string };
  numerical?: { order?: string };
}

/** The tag that a policy picks, and the value by which it won: the tag itself where there is no filter. */
export interface Choice {
  tag: string;
  value: string;
}

export interface Policy {
  /**
   * The tag that should run. The order of the tags does not matter.
   * @throws PolicyError code `failure` when none fits, with the texts of 8.9 and the numbers of tags
   */
  latest(tags: readonly string[], signal?: AbortSignal): Promise<Choice>;
  /** Every distinct tag once, in order of preference: the one that is picked comes first. */
  explain(tags: readonly string[], signal?: AbortSignal): Promise<TagVerdict[]>;
}

/**
 * Prepares a policy. A bad pattern is found before any tag is seen (IR-POL-5).
 * @throws PolicyError code `invalid`, with the message of the condition `InvalidPolicy`
 */
export async function compilePolicy(choice: PolicyChoice, filterSpec?: FilterTags): Promise<Policy> {
  const ordering = chooseOrdering(choice);
  const filter = filterSpec && (await compileFilter(filterSpec));

  async function latest(tags: readonly string[], signal?: AbortSignal): Promise<Choice> {
    if (!filter) return choose(ordering, tags, `${tags.length} tags stored`);
    const candidates = await filterTags(tags, filter, signal);
    const numbers = `${tags.length} tags stored, ${candidates.size} after filter`;
    const { value } = choose(ordering, [...candidates.keys()], numbers);
    return { tag: candidates.get(value)!, value };
  }

  async function explain(tags: readonly string[], signal?: AbortSignal): Promise<TagVerdict[]> {
    const distinct = [...new Set(tags)];
    const candidates = await filterTags(distinct, filter ?? itself, signal);
    const chosen = await latest(distinct, signal).catch(whenNoneFits);
    return explainTags(distinct, { filter: filter ?? itself, candidates, ordering, chosen: chosen?.tag });
  }

  return { latest, explain };
}

function itself(tag: string): string {
  return tag;
}

function whenNoneFits(error: unknown): undefined {
  if (!(error instanceof PolicyError)) throw error;
}

/** The candidates: distinct values, each with the smallest by bytes of its tags (IR-FIL-5). */
async function filterTags(
  tags: readonly string[],
  filter: TagFilter,
  signal: AbortSignal | undefined,
): Promise<Map<string, string>> {
  const candidates = new Map<string, string>();
  const take = (tag: string) => {
    const value = filter(tag);
    if (value === undefined) return;
    const known = candidates.get(value);
    if (known === undefined || tag < known) candidates.set(value, tag);
  };
  await forEachInTurns(tags, take, signal);
  return candidates;
}

/** @param numbers what is said of the tags when none fits */
function choose(ordering: Ordering, candidates: readonly string[], numbers: string): Choice {
  try {
    const tag = ordering.choose(candidates);
    return { tag, value: tag };
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    throw new PolicyError(error.code, `${error.message} (${numbers})`, { cause: error });
  }
}

/** The first rule there is (8.3). */
function chooseOrdering({ semver, alphabetical, numerical }: PolicyChoice): Ordering {
  try {
    if (semver) return orderBySemver(parseConstraint(semver.range ?? ''));
    if (alphabetical) return orderByText(readOrder(alphabetical.order));
    if (numerical) return orderByNumber(readOrder(numerical.order));
    throw new PolicyError('invalid', 'given ImagePolicyChoice object is invalid');
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    throw new PolicyError('invalid', `invalid policy: ${error.message}`, { cause: error });
  }
}

function readOrder(order: string | undefined): 'asc' | 'desc' {
  if (order === undefined || order === '') return 'asc';
  if (order === 'asc' || order === 'desc') return order;
  throw new PolicyError(
    'invalid',
    `invalid order argument provided: '${excerpt(order)}', must be one of: asc, desc`,
  );
}
