/** The rule `alphabetical` (spec 8.6): by bytes. */
import { compareText, type Ordering } from './ordering.ts';
import { PolicyError } from './policy-error.ts';

/** `asc`: the greatest wins; `desc`: the smallest. */
export function orderByText(order: 'asc' | 'desc'): Ordering {
  const ascending = order === 'asc';
  return {
    choose(candidates) {
      let best = candidates[0];
      if (best === undefined) throw new PolicyError('failure', 'version list argument cannot be empty');
      for (const candidate of candidates) {
        if (ascending ? candidate > best : candidate < best) best = candidate;
      }
      return best;
    },
    judge: () => ({ matches: true, why: '' }),
    compare: (a, b) => (ascending ? compareText(b, a) : compareText(a, b)),
  };
}
