/**
 * Kinds that others look after and that objects of ours read: the relay watches them and wakes whoever depends on one.
 * No function runs for them. A further one is a further entry, named in `reads` of the kinds that need it.
 */
import type { DiscoveredKind } from '../../shared/kube/discovery.ts';
import { type KubeObject, NAMESPACES } from '../../shared/kube/resource.ts';

export interface ForeignKind extends DiscoveredKind {
  namespaced: boolean;
  /** The one object that is watched; none: all of them. */
  only?: { namespace: string; name: string };
  /**
   * The part of an object that ours read: those that depend on it run when this text changes. Only metadata is there
   * to read, the relay asks for nothing else.
   */
  watched(object: Pick<KubeObject, 'metadata'>): string;
}

/** Access lists name their labels (image-reflector section 7). */
export const NAMESPACE: ForeignKind = {
  group: NAMESPACES.group,
  kind: NAMESPACES.kind,
  plural: NAMESPACES.plural,
  versions: [NAMESPACES.version],
  namespaced: false,
  watched: ({ metadata }) =>
    JSON.stringify(Object.entries(metadata.labels ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))),
};
