/** Follows every object of the served kinds for the person at the terminal: a row each, always the newest. */
import { forgetResource, resolveResource } from '../../../shared/kube/discovery.ts';
import type { Clock } from '../../../shared/runtime/clock.ts';
import type { Logger } from '../../../shared/runtime/logger.ts';
import type { Settings } from '../../../shared/runtime/settings.ts';
import { OWN_KINDS, type RelayKind } from '../../relay/kinds.ts';
import { createReflector, type ReflectorSink } from '../../relay/reflector.ts';
import { recordKey } from '../../relay/slim-record.ts';
import { type ObjectRow, rowOf } from './object-row.ts';
import type { Cluster } from './serve.ts';

/** Changes that come together are told together: ten thousand objects must not be ordered ten thousand times. */
const TOGETHER_MS = 25;

export interface ObjectWatch {
  /** Ordered by kind and name. */
  rows(): ObjectRow[];
  /** Every kind was listed, and every object has come as far as it should. */
  settled(): boolean;
  /** Ends after the signal of `watchObjects` aborts. */
  done: Promise<void>;
}

/**
 * @param onChange called soon after rows came, changed or went
 * @param signal ends the watch
 */
export function watchObjects(
  options: { cluster: Cluster; settings: Settings; clock: Clock; log: Logger; onChange(): void },
  signal: AbortSignal,
): ObjectWatch {
  const { cluster, settings, clock, log } = options;
  const rows = new Map<string, ObjectRow>();
  let telling = false;
  const onChange = () => {
    if (telling) return;
    telling = true;
    clock.after(TOGETHER_MS, () => {
      telling = false;
      options.onChange();
    });
  };
  const namespaces = settings.namespace.length > 0 ? settings.namespace : [''];
  const reflectors = OWN_KINDS.flatMap((kind) =>
    namespaces.map((namespace) =>
      createReflector({
        ...cluster,
        name: `${kind.group}/${kind.kind} for the table`,
        resolve: (resolving) => resolveResource(cluster.kube, settings['cluster-id'], kind, resolving),
        forget: () => forgetResource(settings['cluster-id'], kind),
        namespace,
        labelSelector: settings['watch-label-selector'],
        sink: createSink(kind, rows, onChange),
        clock,
        random: Math.random,
        log,
      }),
    ),
  );
  const ended = reflectors.map((reflector) => reflector.run(signal));
  return {
    rows: () =>
      [...rows.values()].sort((a, b) => a.kind.localeCompare(b.kind) || a.name.localeCompare(b.name)),
    settled: () => reflectors.every(({ synced }) => synced) && rows.values().every(({ settled }) => settled),
    done: Promise.all(ended).then(() => {}),
  };
}

/** Where two kinds have one name, the later one says of which group it is, as far as that is needed. */
function nameOf({ group, kind }: RelayKind): string {
  const first = OWN_KINDS.find((each) => each.kind === kind);
  return first?.group === group ? kind : `${kind}.${group.split('.')[0]}`;
}

function createSink(kind: RelayKind, rows: Map<string, ObjectRow>, onChange: () => void): ReflectorSink {
  const prefix = `${kind.group}/${kind.kind}/`;
  return {
    seen(object) {
      const key = recordKey(object.metadata.namespace, object.metadata.name);
      rows.set(prefix + key, rowOf(object, nameOf(kind)));
      onChange();
      return key;
    },
    gone({ metadata }) {
      rows.delete(prefix + recordKey(metadata.namespace, metadata.name));
      onChange();
    },
    keepOnly(keys, namespace) {
      for (const key of rows.keys()) {
        if (!key.startsWith(`${prefix}${namespace && `${namespace}/`}`)) continue;
        if (!keys.has(key.slice(prefix.length))) rows.delete(key);
      }
      onChange();
    },
  };
}
