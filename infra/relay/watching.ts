/** The reflectors of a relay: of the kinds that it serves, and of those of others that these read. */
import type { KubeClient } from '../../shared/kube/client.ts';
import { type DiscoveredKind, forgetResource, resolveResource } from '../../shared/kube/discovery.ts';
import type { KubeTransport } from '../../shared/kube/transport.ts';
import type { Clock } from '../../shared/runtime/clock.ts';
import type { Logger } from '../../shared/runtime/logger.ts';
import { kindText } from '../../shared/runtime/reconciler.ts';
import type { Settings } from '../../shared/runtime/settings.ts';
import type { ForeignKind } from './foreign-kinds.ts';
import { createForeignSink } from './foreign-sink.ts';
import type { RelayKind } from './kinds.ts';
import { createReflector, type Reflector, type ReflectorSink, type RestartCause } from './reflector.ts';

interface WatchingOptions {
  kube: KubeClient;
  transport: KubeTransport;
  settings: Pick<Settings, 'cluster-id' | 'namespace' | 'watch-label-selector'>;
  clock: Clock;
  random: () => number;
  log: Logger;
  onRestart(cause: RestartCause): void;
}

/** One reflector for each namespace that the settings name, or one for all. */
export function watchKind(kind: RelayKind, options: WatchingOptions & { sink: ReflectorSink }): Reflector[] {
  const labelSelector = options.settings['watch-label-selector'];
  const asked = kind.isForeign ? { metadataOnly: true, optional: true } : {};
  return namespacesOf(options).map((namespace) =>
    createReflector({
      ...reflectionOf(kind, namespace, options),
      ...asked,
      labelSelector,
      sink: options.sink,
    }),
  );
}

/** The kinds of others that any of ours reads, each once. */
export function foreignKindsOf(kinds: readonly RelayKind[]): ForeignKind[] {
  const foreign = kinds.flatMap(({ reads = [] }) => reads);
  return [...new Map(foreign.map((kind) => [kindText(kind), kind])).values()];
}

/** What others look after need not be watched to serve ours: a change of it is then found at the next run. */
export function watchForeignKind(
  kind: ForeignKind,
  options: WatchingOptions & { onChanged(target: string): void },
): Reflector[] {
  const { only } = kind;
  const everywhere = kind.namespaced ? namespacesOf(options) : [''];
  const namespaces = only ? [only.namespace] : everywhere;
  return namespaces.map((namespace) =>
    createReflector({
      ...reflectionOf(kind, namespace, options),
      labelSelector: '',
      ...(only && { fieldSelector: `metadata.name=${only.name}` }),
      metadataOnly: true,
      optional: true,
      sink: createForeignSink(kind, options.onChanged),
    }),
  );
}

/** What every reflector has in common. */
function reflectionOf(kind: DiscoveredKind, namespace: string, options: WatchingOptions) {
  const { kube, transport, settings, clock, random, log, onRestart } = options;
  const cluster = settings['cluster-id'];
  const resolve = (signal: AbortSignal) => resolveResource(kube, cluster, kind, signal);
  const forget = () => forgetResource(cluster, kind);
  const name = kindText(kind) + (namespace && ` in namespace ${namespace}`);
  return { kube, transport, name, resolve, forget, namespace, clock, random, log, onRestart };
}

/** Empty: all of them. */
function namespacesOf({ settings }: WatchingOptions): string[] {
  return settings.namespace.length > 0 ? settings.namespace : [''];
}
