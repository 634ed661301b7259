/**
 * What the relay keeps of an object: enough to decide when it runs, never the object (design section 3). A hundred
 * thousand of them must fit into the memory of a small pod (design section 11), so every member counts.
 */
import { type KubeObject, REQUEST_ANNOTATION, type ReconcileStatus } from '../../shared/kube/resource.ts';
import type { RelayKind } from './kinds.ts';

export interface SlimRecord {
  /** `namespace/name`: names the object within its kind. */
  readonly key: string;
  readonly uid: string;
  readonly generation: number;
  /** -1: none. */
  readonly observedGeneration: number;
  readonly deleting: boolean;
  readonly suspended: boolean;
  /** We have seen it: it carries our finalizer, or the kind knows another sign. */
  readonly finalized: boolean;
  /** The request token; empty: none. */
  readonly requested: string;
  /** The token that the status says was handled; empty: none. */
  readonly handled: string;
  /** Ready, and no run was cut off in the middle (`Reconciling`). */
  readonly ready: boolean;
  readonly stalled: boolean;
  /** 0: no timer. */
  readonly intervalMs: number;
  readonly lastRunAt: number | undefined;
  /** The kind's `watched` text. */
  readonly watched: string;
  /** What the address in the status begins with, for a kind that serves files; empty: none. */
  readonly base: string;
}

/**
 * The record of an object as the API server sent it; what is missing counts as absent.
 * @param key its `recordKey`, as the same text that the older record has: a copy would cost memory
 */
export function slimRecord(object: KubeObject, kind: RelayKind, key: string): SlimRecord {
  const { metadata } = object;
  const status = object.status as ReconcileStatus | undefined;
  const requested = metadata.annotations?.[REQUEST_ANNOTATION] ?? '';
  const handled = status?.lastHandledReconcileAt ?? '';
  const { intervalMs, lastRunAt } = kind.due(object);
  return {
    key,
    uid: metadata.uid,
    generation: metadata.generation ?? 0,
    observedGeneration: status?.observedGeneration ?? -1,
    deleting: metadata.deletionTimestamp !== undefined,
    suspended: (object.spec as { suspend?: boolean } | undefined)?.suspend === true,
    finalized: kind.isKnown?.(object) ?? metadata.finalizers?.includes(kind.finalizer) ?? false,
    requested,
    // Mostly equal to the request: then one text serves both.
    handled: handled === requested ? requested : handled,
    ready: holds(status, 'Ready') && !holds(status, 'Reconciling'),
    stalled: holds(status, 'Stalled'),
    intervalMs,
    lastRunAt,
    watched: kind.watched?.(object) ?? '',
    base: kind.base?.(object) ?? '',
  };
}

export function recordKey(namespace: string | undefined, name: string): string {
  return `${namespace ?? ''}/${name}`;
}

/** Neither namespaces nor names contain a slash. */
export function splitKey(key: string): { namespace: string; name: string } {
  const slash = key.indexOf('/');
  return { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

function holds(status: ReconcileStatus | undefined, type: string): boolean {
  for (const condition of status?.conditions ?? []) {
    if (condition.type === type) return condition.status === 'True';
  }
  return false;
}
