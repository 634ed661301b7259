/** The figures of a run that the relay adds up (10.1). */
import type { ImageRepository } from '../../shared/api/image-repository.ts';
import type { CacheUse } from '../../shared/oci/cloud-tokens.ts';
import { RegistryError } from '../../shared/oci/errors.ts';
import { parseImageName } from '../../shared/oci/image-name.ts';
import type { Measure } from '../../shared/runtime/contract.ts';
import { REASON } from './failures.ts';
import type { Verdict } from './verdict.ts';

/** Figures of the scan that a run made, or that failed. */
export function scanMeasures(object: ImageRepository, verdict: Verdict): Measure[] {
  if (verdict.result === 'ok' && verdict.scan) {
    const { tagCount, pages, durationMs } = verdict.scan;
    const registry = hostOf(verdict.canonicalName);
    const { namespace = '', name } = object.metadata;
    return [
      { name: 'imagereflect_scan_duration_seconds', value: durationMs / 1000, labels: { registry } },
      { name: 'imagereflect_scan_tags', value: tagCount, labels: { namespace, name } },
      { name: 'imagereflect_scan_pages_total', value: pages, labels: { registry } },
    ];
  }
  if (verdict.result === 'retry' && verdict.reason === REASON.scan) {
    const registry = parseImageName(object.spec.image).host;
    const code = verdict.cause instanceof RegistryError ? verdict.cause.code : 'other';
    return [{ name: 'imagereflect_scan_errors_total', value: 1, labels: { registry, code } }];
  }
  return [];
}

/** Figures of the cache of cloud tokens; none for a run that did not ask it. The relay knows kind and object. */
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

function hostOf(canonicalName: string): string {
  return canonicalName.slice(0, canonicalName.indexOf('/'));
}
