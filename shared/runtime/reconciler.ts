/** What a kind gives to the runtime, and what it gets for one run of one object. */
import type { KubeClient } from '../kube/client.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { Clock } from './clock.ts';
import type { Measure, ObjectKey, ReconcileRequest } from './contract.ts';
import type { Logger } from './logger.ts';
import type { RunSecrets } from './redact.ts';

/** One run of one object. Everything it holds ends with it, but for what the reconciler keeps by itself. */
export interface Run {
  request: ReconcileRequest;
  /** Id of the cluster: the first part of storage keys and of what is cached per cluster. */
  cluster: string;
  kube: KubeClient;
  store: ObjectStore;
  clock: Clock;
  log: Logger;
  secrets: RunSecrets;
  /** Aborts at the deadline of the batch and at shutdown. */
  signal: AbortSignal;
  /** Time in milliseconds since 1970 at which `signal` aborts. */
  deadline: number;
}

/** How a run that did not throw ended. What it throws is mapped by `run-key.ts`. */
export type RunResult = {
  /** What the relay counts and logs. */
  ready?: { status: string; reason: string; message: string };
  events?: number;
  measures?: Measure[];
} & (
  | { result: 'ok'; requeueAfterMs?: number; changed?: string; awaits?: boolean }
  | { result: 'retry'; reason: string; message: string; retryAfterMs?: number }
  | { result: 'stalled'; reason: string; message: string }
  | { result: 'gone' }
);

/** Brings one object from what it is to what it should be. */
export type Reconcile = (run: Run) => Promise<RunResult>;

/** The kinds that a function serves. */
export type Reconcilers = ReadonlyMap<string, Reconcile>;

/** Key of `Reconcilers`: group and kind together. */
export function kindText(kind: Pick<ObjectKey, 'group' | 'kind'>): string {
  return `${kind.group}/${kind.kind}`;
}
