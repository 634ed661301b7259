/**
 * The one wire format between relay and functions (design section 2, `docs/contract.md`).
 * Both sides parse what they receive with these schemas; members that a schema does not know are dropped,
 * so that a newer side can add one without breaking an older one.
 */

import * as z from 'zod/mini';
import en from 'zod/v4/locales/en.js';

// zod/mini knows no texts of its own: without these every refusal would be 'Invalid input' and no more.
z.config(en());

/** Version of the wire format. A change that an older side would misread raises it. */
export const CONTRACT_VERSION = 1;

/** Most requests that one batch may carry. */
export const MAX_BATCH_SIZE = 25;

const ObjectKey = z.object({
  group: z.string(),
  kind: z.string().check(z.minLength(1)),
  namespace: z.string(),
  name: z.string().check(z.minLength(1)),
});

/** Names one object in the cluster. Group and kind together: two of our kinds are called ImageRepository. */
export type ObjectKey = z.infer<typeof ObjectKey>;

/**
 * Why a run was asked for. `change`: new, edited or deleted; `requested`: the annotation
 * `reconcile.fluxcd.io/requestedAt`; `timer`: its interval has passed; `dependency`: an object that it
 * refers to changed; `resync`: the relay started.
 */
export const Trigger = z.enum(['change', 'requested', 'timer', 'dependency', 'resync']);
export type Trigger = z.infer<typeof Trigger>;

/** One object to reconcile. `attempt` counts the failed runs before this one, from 0. */
export const ReconcileRequest = z.extend(ObjectKey, {
  uid: z.string(),
  trigger: Trigger,
  attempt: z.int().check(z.nonnegative()),
});
export type ReconcileRequest = z.infer<typeof ReconcileRequest>;

/**
 * How the function reaches the cluster (design section 4). `token`: address, CA and a short-lived
 * ServiceAccount token; `eks`: an EKS cluster that
 * lets the function in by its own cloud role; `kubeconfig`: the function's own process is configured for the cluster (local use, tests).
 */
export const ClusterAccess = z.discriminatedUnion('provider', [
  z.object({
    provider: z.literal('token'),
    server: z.url(),
    caData: z.optional(z.string()),
    token: z.string().check(z.minLength(1)),
  }),
  z.object({
    provider: z.literal('eks'),
    server: z.url(),
    caData: z.optional(z.string()),
    /** Name of the cluster: a token is good for this one alone. */
    cluster: z.string().check(z.minLength(1)),
  }),
  z.object({ provider: z.literal('kubeconfig') }),
]);
export type ClusterAccess = z.infer<typeof ClusterAccess>;

/** Relay to function. `deadline` is a time in milliseconds since 1970; `epoch` grows with every new leader. */
export const Batch = z.object({
  contract: z.literal(CONTRACT_VERSION),
  release: z.string(),
  cluster: z.string().check(z.regex(/^[a-z0-9]([a-z0-9.-]{0,62}[a-z0-9])?$/)),
  access: ClusterAccess,
  epoch: z.int().check(z.nonnegative()),
  deadline: z.int().check(z.positive()),
  requests: z.array(ReconcileRequest).check(z.minLength(1), z.maxLength(MAX_BATCH_SIZE)),
});
export type Batch = z.infer<typeof Batch>;

/** A figure that the relay adds to the metric of that name (`infra/relay/metrics.ts` knows which exist). */
export const Measure = z.object({
  name: z.string(),
  value: z.number(),
  labels: z.optional(z.record(z.string(), z.string())),
});
export type Measure = z.infer<typeof Measure>;

/** The Ready condition as the run left it. */
const ReadyCondition = z.object({ status: z.string(), reason: z.string(), message: z.string() });

const Reported = z.extend(ObjectKey, {
  durationMs: z.number().check(z.nonnegative()),
  ready: z.optional(ReadyCondition),
  events: z._default(z.int().check(z.nonnegative()), 0),
  measures: z.optional(z.array(Measure)),
});

const Reason = { reason: z.string().check(z.minLength(1)), message: z.string() };

/** Function to relay, one per request, in any order. Times are milliseconds. */
export const Outcome = z.discriminatedUnion('result', [
  /**
   * Done. No `requeueAfterMs`: no timer. `changed` (a revision, a digest) wakes the dependents; `awaits`: what the object
   * depends on has not left what it needs, so that runs once, unless it is at work already.
   */
  z.extend(Reported, {
    result: z.literal('ok'),
    requeueAfterMs: z.optional(z.number().check(z.positive())),
    changed: z.optional(z.string()),
    awaits: z.optional(z.boolean()),
  }),
  /** Failed, to be repeated: after `retryAfterMs` where a specification or a registry sets the delay, else after the back-off. */
  z.extend(Reported, {
    result: z.literal('retry'),
    ...Reason,
    retryAfterMs: z.optional(z.number().check(z.positive())),
  }),
  /** Failed for good: only a change of the object can repair it. */
  z.extend(Reported, { result: z.literal('stalled'), ...Reason }),
  /** Not started because the deadline was near: not a failure. */
  z.extend(Reported, { result: z.literal('deferred') }),
  /** The object does not exist any more. */
  z.extend(Reported, { result: z.literal('gone') }),
]);
export type Outcome = z.infer<typeof Outcome>;

/** The answer to a batch. */
export const BatchResult = z.object({
  contract: z.literal(CONTRACT_VERSION),
  release: z.string(),
  outcomes: z.array(Outcome),
});
export type BatchResult = z.infer<typeof BatchResult>;

/** One text for a key: map keys, log lines, lock names. Never the kind alone. */
export function keyText(key: ObjectKey): string {
  return `${key.group}/${key.kind}/${key.namespace}/${key.name}`;
}
