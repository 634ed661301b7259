/**
 * The series that have an object in their labels (image-reflector 10.1). Kept apart from prom-client, whose label sets
 * would cost a kilobyte an object: here it is one small record, and the text is made piece by piece while it is sent.
 */
import { recordKey, splitKey } from './slim-record.ts';

const BUCKETS = [
  0.01, 0.0383636, 0.147176, 0.564622, 2.16609, 8.3099, 31.8798, 122.302, 469.195, 1800,
] as const;

/** Objects beyond so many share one series a kind and namespace, with an empty name: sums stay right, scrapes small. */
const MAX_SERIES = 10_000;

/** Names of the figures that an object may have beside its durations. */
export const OBJECT_VALUES = {
  imagereflect_scan_tags: {
    type: 'gauge',
    help: 'Tags that the last scan of an ImageRepository kept.',
    labels: '',
  },
  'gotk_token_cache_events_total/cache_hit': {
    type: 'counter',
    help: 'Events of the cache of cloud tokens.',
    labels: ',event_type="cache_hit",operation="reconcile"',
  },
  'gotk_token_cache_events_total/cache_miss': {
    type: 'counter',
    help: 'Events of the cache of cloud tokens.',
    labels: ',event_type="cache_miss",operation="reconcile"',
  },
} as const;

export type ObjectValue = keyof typeof OBJECT_VALUES;

interface Series {
  /** How many runs took at most that long, for each bucket and, last, for all. */
  counts: number[];
  sum: number;
  values: Partial<Record<ObjectValue, number>>;
}

/** The kind that a series belongs to. */
export interface SeriesKind {
  group: string;
  kind: string;
}

export interface ObjectSeries {
  observe(kind: SeriesKind, key: string, seconds: number): void;
  /** Sets a gauge, adds to a counter. */
  record(kind: SeriesKind, key: string, name: ObjectValue, value: number): void;
  /** The object is gone, and so are its series. */
  forget(kind: SeriesKind, key: string): void;
  /** The exposition format, in pieces of a few lines. */
  text(): Generator<string>;
}

export function createObjectSeries(limit = MAX_SERIES): ObjectSeries {
  const kinds = new Map<string, { kind: SeriesKind; objects: Map<string, Series> }>();
  let size = 0;

  const objectsOf = (kind: SeriesKind) => {
    const id = `${kind.group}/${kind.kind}`;
    let known = kinds.get(id);
    if (!known) {
      known = { kind, objects: new Map() };
      kinds.set(id, known);
    }
    return known.objects;
  };

  const seriesOf = (kind: SeriesKind, key: string): Series => {
    const objects = objectsOf(kind);
    const own = objects.get(key);
    if (own) return own;
    const name = size < limit ? key : recordKey(splitKey(key).namespace, '');
    let series = objects.get(name);
    if (!series) {
      series = { counts: new Array(BUCKETS.length + 1).fill(0), sum: 0, values: {} };
      objects.set(name, series);
      size += 1;
    }
    return series;
  };

  return {
    observe(kind, key, seconds) {
      const series = seriesOf(kind, key);
      series.sum += seconds;
      for (let at = BUCKETS.length; at >= 0 && (at === BUCKETS.length || seconds <= BUCKETS[at]!); at--) {
        series.counts[at]! += 1;
      }
    },
    record(kind, key, name, value) {
      const series = seriesOf(kind, key);
      const isCounter = OBJECT_VALUES[name].type === 'counter';
      series.values[name] = isCounter ? (series.values[name] ?? 0) + value : value;
    },
    forget(kind, key) {
      if (objectsOf(kind).delete(key)) size -= 1;
    },
    *text() {
      const all = [...kinds.values()].filter(({ objects }) => objects.size > 0);
      if (all.length === 0) return;
      yield* durations(all);
      const headed = new Set<string>();
      for (const name of Object.keys(OBJECT_VALUES) as ObjectValue[]) yield* values(all, name, headed);
    },
  };
}

type Kinds = { kind: SeriesKind; objects: Map<string, Series> }[];

function* durations(kinds: Kinds): Generator<string> {
  const name = 'gotk_reconcile_duration_seconds';
  yield `# HELP ${name} Duration of the runs of an object.\n# TYPE ${name} histogram\n`;
  for (const { kind, objects } of kinds) {
    for (const [key, series] of objects) {
      if (series.counts[BUCKETS.length] === 0) continue;
      const labels = labelsOf(kind, key);
      let text = '';
      for (const [at, count] of series.counts.entries()) {
        text += `${name}_bucket{le="${BUCKETS[at] ?? '+Inf'}",${labels}} ${count}\n`;
      }
      const total = series.counts[BUCKETS.length];
      yield `${text}${name}_sum{${labels}} ${series.sum}\n${name}_count{${labels}} ${total}\n`;
    }
  }
}

/** Values whose name has a second part after a slash are series of one metric: its head is written once. */
function* values(kinds: Kinds, id: ObjectValue, headed: Set<string>): Generator<string> {
  const { type, help, labels } = OBJECT_VALUES[id];
  const name = id.split('/')[0]!;
  for (const { kind, objects } of kinds) {
    for (const [key, series] of objects) {
      const value = series.values[id];
      if (value === undefined) continue;
      if (!headed.has(name)) yield `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
      headed.add(name);
      yield `${name}{${labelsOf(kind, key)}${labels}} ${value}\n`;
    }
  }
}

/** Names of objects need no escapes. The group tells the two kinds named ImageRepository apart. */
function labelsOf(kind: SeriesKind, key: string): string {
  const { namespace, name } = splitKey(key);
  return `kind="${kind.kind}",name="${name}",namespace="${namespace}",group="${kind.group}"`;
}
