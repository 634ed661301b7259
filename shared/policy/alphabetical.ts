/** The rule `alphabetical` (spec 8.6): by bytes. */
import { compareText, type Ordering } from './ordering.ts';
import { PolicyError } from './policy-error.ts';

/** `asc`: the greatest wins; `desc`: the smallest. */
export function orderByText(order: 'asc' | 'desc'): Ordering {
  const ascending = order === 'asc';
  return {
    choose([first, ...others]) {
      if (first === undefined) throw new PolicyError('failure', 'version list argument cannot be empty');
      let best = first;
      for (const candidate of others)
        if (candidate > best === ascending && candidate !== best) best = candidate;
      return best;
    },
    judge: () => ({ matches: true, why: '' }),
    compare: (a, b) => (ascending ? compareText(b, a) : compareText(a, b)),
  };
}
