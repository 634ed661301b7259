/** The figures of the cache of cloud tokens that the relay adds up (IR 10.1). */
import type { Measure } from '../runtime/contract.ts';
import type { CacheUse } from './cloud-tokens.ts';

/** What one run asked of the cache; none for a run that did not ask it. The relay knows kind and object. */
export function cacheMeasures({ hits, misses, failures, evictions, items }: CacheUse): Measure[] {
  const asked = hits + misses;
  if (asked === 0) return [];
  const events = 'gotk_token_cache_events_total';
  const requests = 'gotk_token_cache_requests_total';
  const counters: Measure[] = [
    { name: events, value: hits, labels: { event_type: 'cache_hit' } },
    { name: events, value: misses, labels: { event_type: 'cache_miss' } },
    { name: requests, value: asked - failures, labels: { status: 'success' } },
    { name: requests, value: failures, labels: { status: 'failure' } },
    { name: 'gotk_token_cache_evictions_total', value: evictions },
  ];
  return [...counters.filter(({ value }) => value > 0), { name: 'gotk_token_cached_items', value: items }];
}
