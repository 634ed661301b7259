/** What the three rules have in common: each orders candidates, and takes the best of those that it accepts. */

/** What a rule thinks of one candidate. */
export interface Judgement {
  /** Whether it could win. */
  matches: boolean;
  /** Why it cannot; empty where it can. */
  why: string;
  /** How the rule reads it, where that is not plain. */
  version?: string;
}

export interface Ordering {
  /**
   * The best of the candidates; their order does not matter, and duplicates do no harm.
   * @throws PolicyError code `failure` when there is none, with the texts of 8.9
   */
  choose(candidates: readonly string[]): string;
  judge(candidate: string): Judgement;
  /** Below 0: `a` is preferred to `b`. A total order over all texts, in which those that match are not all in front. */
  compare(a: string, b: string): number;
}

/** By the order of their bytes; tags are ASCII, where JavaScript's order of strings is the same. */
export function compareText(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
