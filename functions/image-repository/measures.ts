/** The figures of a run that the relay adds up (10.1). */
import type { ImageRepository } from '../../shared/api/image-repository.ts';
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

function hostOf(canonicalName: string): string {
  return canonicalName.slice(0, canonicalName.indexOf('/'));
}
