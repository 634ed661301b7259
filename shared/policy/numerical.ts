/** The rule `numerical` (spec 8.7). */
import { compareExactly, parseNumber } from './decimal.ts';
import { compareText, type Ordering } from './ordering.ts';
import { excerpt, PolicyError } from './policy-error.ts';

/** `asc`: the greatest wins; `desc`: the smallest. Of equal numbers the one whose text is smallest (IR-NUM-3). */
export function orderByNumber(order: 'asc' | 'desc'): Ordering {
  const direction = order === 'asc' ? 1 : -1;

  function compareNumbers(a: string, valueA: number, b: string, valueB: number): number {
    if (valueA !== valueB) return (valueA > valueB ? -1 : 1) * direction;
    return (a === b ? 0 : -compareExactly(a, b, valueA) * direction) || compareText(a, b);
  }

  return {
    choose(candidates) {
      let best: string | undefined;
      let bestValue = Number.NaN;
      let wrong: string | undefined;
      for (const candidate of candidates) {
        const value = parseNumber(candidate);
        if (value === undefined) {
          // The first in the order of candidates, which is descending (IR-NUM-1, IR-FIL-6).
          if (wrong === undefined || candidate > wrong) wrong = candidate;
        } else if (best === undefined || compareNumbers(candidate, value, best, bestValue) < 0) {
          best = candidate;
          bestValue = value;
        }
      }
      if (wrong !== undefined) {
        throw new PolicyError('failure', `failed to parse invalid numeric value '${excerpt(wrong)}'`);
      }
      if (best === undefined) throw new PolicyError('failure', 'version list argument cannot be empty');
      return best;
    },
    judge: (candidate) =>
      parseNumber(candidate) === undefined
        ? { matches: false, why: 'not a number' }
        : { matches: true, why: '' },
    compare(a, b) {
      const [valueA, valueB] = [parseNumber(a), parseNumber(b)];
      if (valueA !== undefined && valueB !== undefined) return compareNumbers(a, valueA, b, valueB);
      return valueA !== undefined ? -1 : valueB !== undefined ? 1 : compareText(b, a);
    },
  };
}
