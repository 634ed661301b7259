/** What the table shows of an object, and whether the object has come as far as it should. */
import type { KubeObject, ReconcileStatus } from '../../../shared/kube/resource.ts';

/**
 * `TYPE=STATUS` or `TYPE=STATUS:REASON`: the condition that an example is meant to reach where that is not
 * `Ready=True`, such as `Ready=False:DependencyNotReady`.
 */
export const EXPECT_ANNOTATION = 'longshore.dev/expect';

export interface ObjectRow {
  kind: string;
  /** `namespace/name`. */
  name: string;
  /** Status of the Ready condition; `-`: there is none. */
  ready: string;
  reason: string;
  message: string;
  /** Milliseconds since 1970; undefined: the object does not say. */
  createdAt: number | undefined;
  /** It has reached what is expected of it: nobody waits for it any more. */
  settled: boolean;
}

/** @param kind name of the kind, which list entries need not carry themselves */
export function rowOf(object: KubeObject, kind: string): ObjectRow {
  const { metadata } = object;
  const status = object.status as ReconcileStatus | undefined;
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  const suspended = (object.spec as { suspend?: boolean } | undefined)?.suspend === true;
  const createdAt = Date.parse(metadata.creationTimestamp ?? '');
  return {
    kind,
    name: `${metadata.namespace}/${metadata.name}`,
    ready: ready?.status ?? '-',
    reason: ready?.reason ?? (suspended ? 'Suspended' : '-'),
    message: (ready?.message ?? '').replace(/[\p{Cc}\s]+/gu, ' '),
    createdAt: Number.isNaN(createdAt) ? undefined : createdAt,
    settled: suspended || meets(object, status),
  };
}

/**
 * Whether the object has reached what is expected of it, as it is now (kstatus). A failure that is repeated moves the
 * observed generation of its conditions and not that of the status.
 */
function meets({ metadata }: KubeObject, status: ReconcileStatus | undefined): boolean {
  const expected = metadata.annotations?.[EXPECT_ANNOTATION] ?? 'Ready=True';
  const [, type, value, reason] = /^([^=:]+)=([^=:]+)(?::(.+))?$/.exec(expected) ?? [];
  const condition = status?.conditions?.find((each) => each.type === type);
  if (!condition || metadata.deletionTimestamp !== undefined) return false;
  if ((condition.observedGeneration ?? status?.observedGeneration) !== metadata.generation) return false;
  return condition.status === value && (reason === undefined || condition.reason === reason);
}
