/** The figures that functions report with an outcome, as metrics. What is not in this table is dropped. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Measure } from '../../shared/runtime/contract.ts';
import type { ObjectSeries, SeriesKind } from './object-series.ts';

type Definition = {
  help: string;
  labels: readonly string[];
} & (
  | { type: 'counter' }
  | { type: 'gauge'; unknownAtStart?: boolean }
  | { type: 'histogram'; buckets: number[] }
);

/** Seconds (Quay 15). */
const PROVISION_BUCKETS = [5, 10, 15, 20, 30, 60, 120, 300];

/** By name (image-reflector 10.1, Quay 15). */
const MEASURES: Record<string, Definition> = {
  imagereflect_scan_duration_seconds: {
    type: 'histogram',
    help: 'Duration of the scans, by registry.',
    labels: ['registry'],
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
  },
  imagereflect_scan_pages_total: {
    type: 'counter',
    help: 'Pages of tag lists that were read, by registry.',
    labels: ['registry'],
  },
  imagereflect_scan_errors_total: {
    type: 'counter',
    help: 'Scans that failed, by registry and code.',
    labels: ['registry', 'code'],
  },
  imagereflect_policy_evaluations_total: {
    type: 'counter',
    help: 'Evaluations of policies, by result.',
    labels: ['result'],
  },
  gotk_token_cache_requests_total: {
    type: 'counter',
    help: 'Requests to the cache of cloud tokens.',
    labels: ['status'],
  },
  gotk_token_cached_items: { type: 'gauge', help: 'Cloud tokens in the cache.', labels: [] },
  gotk_token_cache_evictions_total: {
    type: 'counter',
    help: 'Cloud tokens that left the cache for want of room.',
    labels: [],
  },
  redhat_appstudio_imagecontroller_image_repository_provision_time: {
    type: 'histogram',
    help: 'From the wish for an image repository to the repository with its Secrets, in seconds.',
    labels: [],
    buckets: PROVISION_BUCKETS,
  },
  redhat_appstudio_imagecontroller_image_repository_provision_failure_time: {
    type: 'histogram',
    help: 'From the wish for an image repository to its failure for good, in seconds.',
    labels: [],
    buckets: PROVISION_BUCKETS,
  },
  redhat_appstudio_imagecontroller_global_quay_app_available: {
    type: 'gauge',
    help: '1: Quay did what it was asked last; 0: it did not, or did not accept the token.',
    labels: [],
    unknownAtStart: true,
  },
};

/** Label values that no object names, a bound for what a function can make us keep. */
const LONGEST_LABEL = 253;

/** Gives the function that counts the measures of an outcome. */
export function registerMeasures(
  registry: Registry,
  objects: ObjectSeries,
): (kind: SeriesKind, key: string, measure: Measure) => void {
  const known = new Map<string, (measure: Measure) => void>();
  for (const [name, definition] of Object.entries(MEASURES)) {
    known.set(name, register(name, definition, registry));
  }
  return (kind, key, measure) => {
    const { name, value, labels } = measure;
    if (!Number.isFinite(value)) return;
    if (name === 'imagereflect_scan_tags') objects.record(kind, key, name, value);
    else if (name === 'gotk_token_cache_events_total') {
      const hit = labels?.event_type === 'cache_hit';
      objects.record(kind, key, hit ? `${name}/cache_hit` : `${name}/cache_miss`, value);
    } else known.get(name)?.(measure);
  };
}

function register(name: string, definition: Definition, registry: Registry): (measure: Measure) => void {
  const { help, labels: labelNames } = definition;
  const base = { name, help, labelNames, registers: [registry] };
  const labelsOf = ({ labels = {} }: Measure) =>
    Object.fromEntries(labelNames.map((label) => [label, (labels[label] ?? '').slice(0, LONGEST_LABEL)]));
  if (definition.type === 'histogram') {
    const histogram = new Histogram({ ...base, buckets: definition.buckets });
    return (measure) => histogram.observe(labelsOf(measure), measure.value);
  }
  if (definition.type === 'gauge') {
    const gauge = new Gauge(base);
    // Zero would be a statement, and an alarm, before anybody has asked.
    if (definition.unknownAtStart) gauge.remove();
    return (measure) => gauge.set(labelsOf(measure), measure.value);
  }
  const counter = new Counter(base);
  return (measure) => {
    if (measure.value > 0) counter.inc(labelsOf(measure), measure.value);
  };
}
