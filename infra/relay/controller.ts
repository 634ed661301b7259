/**
 * One kind: what its reflectors see becomes work, what its function answers becomes due times (design section 3).
 * Everything is keyed by `namespace/name` inside it, and by group and kind around it.
 */
import type { KubeObject } from '../../shared/kube/resource.ts';
import type { Clock } from '../../shared/runtime/clock.ts';
import { keyText, type Outcome, type Trigger } from '../../shared/runtime/contract.ts';
import type { Logger } from '../../shared/runtime/logger.ts';
import type { BackOff } from './back-off.ts';
import type { Dependencies } from './dependencies.ts';
import type { Assignment, Undelivered, WorkSource } from './dispatcher.ts';
import type { RelayKind } from './kinds.ts';
import type { ControllerMetrics } from './metrics.ts';
import { foreignTriggerOf, startTriggerOf, triggerOf } from './predicate.ts';
import type { Lane, Queue, Work } from './queue.ts';
import type { ReflectorSink } from './reflector.ts';
import { createSchedule, firstDue, jitter } from './schedule.ts';
import { recordKey, type SlimRecord, slimRecord, splitKey } from './slim-record.ts';

export interface ControllerOptions {
  kind: RelayKind;
  queue: Queue;
  backOff: BackOff;
  dependencies: Dependencies;
  /** `--interval-jitter-percentage`. */
  jitterPercent: number;
  /** What the addresses of artifacts begin with; empty: not known. */
  baseUrl: string;
  metrics: ControllerMetrics;
  clock: Clock;
  /** From 0 to 1. */
  random: () => number;
  log: Logger;
  /** There is work to take. */
  onWork(): void;
  /** Something that others may refer to appeared, changed or went: `target` is its `keyText`. */
  onChanged(target: string): void;
  /** `dependent` misses something of what it refers to. */
  onAwaiting?(dependent: string): void;
  /** A run of `target` went well after one that failed. */
  onRecovered?(target: string): void;
  /** A run of `target` has ended, well or not. */
  onSettled?(target: string): void;
}

export interface ControllerState {
  objects: number;
  waiting: number;
  running: number;
  /** Keys with a due time. */
  scheduled: number;
}

export interface Controller extends WorkSource, ReflectorSink {
  /**
   * Starts to act: until then only records are kept, as a standby does. What the start finds unsettled runs at once
   * (decisions 5), the rest gets due times.
   */
  lead(): void;
  /** Acts no more: what waits is forgotten, what runs ends by itself and decides nothing. Records are kept. */
  standBy(): void;
  /** A run of one object because something else changed. An object that does not exist or is suspended is left alone. */
  wake(key: string, trigger: Trigger): void;
  /** A run of one object because another one misses something of it; not of one that is at work, or known to fail. */
  ask(key: string): void;
  /** A run of one object that waits for the repetition of a failed one: something that it reads is well again. */
  retry(key: string): void;
  has(key: string): boolean;
  /** A run of the key goes on, waits, or is due. */
  busy(key: string): boolean;
  /**
   * Looks at the settled objects of a kind that is checked at the start, each once.
   * @param waits whether one has to wait: something that it depends on is about to run, and `check` comes after that
   */
  checkAll(waits: (dependent: string) => boolean): void;
  /** Looks at one of them, if it still has to be looked at. */
  check(key: string): void;
  state(): ControllerState;
  stop(): void;
}

export function createController(options: ControllerOptions): Controller {
  const { kind, queue, backOff, dependencies, metrics, clock, log, onWork } = options;
  const records = new Map<string, SlimRecord>();
  /** Why the last run of a key that failed had been asked for: its retries keep the reason (IR-REPO-9). */
  const owed = new Map<string, Trigger>();
  /** Settled objects that have not been looked at since the start (`checkedAtStart`). */
  const unchecked = new Set<string>();
  let leading = false;

  const fullKey = (key: string) => keyText({ group: kind.group, kind: kind.kind, ...splitKey(key) });

  const enqueue = (key: string, lane: Lane, trigger: Trigger, due?: number) => {
    queue.add(key, lane, trigger, due);
    metrics.added();
    onWork();
  };

  const schedule = createSchedule(clock, (key, due) => {
    const trigger = owed.get(key);
    if (trigger) enqueue(key, 'retry', trigger, due);
    else enqueue(key, 'timer', 'timer', due);
  });

  /** An object as the start of the relay finds it. */
  const begin = (record: SlimRecord) => {
    const trigger = kind.isForeign
      ? foreignTriggerOf(undefined, record)
      : startTriggerOf(record, options.baseUrl);
    if (trigger) return enqueue(record.key, 'initial', trigger);
    if (record.suspended) return;
    if (kind.checkedAtStart) unchecked.add(record.key);
    if (record.stalled) return;
    const due = firstDue(record, clock.now());
    if (due !== undefined) schedule.set(record.key, due);
  };

  const forget = (key: string) => {
    schedule.remove(key);
    backOff.reset(key);
    owed.delete(key);
  };

  const check = (key: string) => {
    if (unchecked.delete(key)) enqueue(key, 'check', 'resync');
  };

  const remove = (key: string) => {
    records.delete(key);
    queue.remove(key);
    unchecked.delete(key);
    forget(key);
    metrics.forget(key);
    if (kind.dependsOn) dependencies.set(fullKey(key), []);
    if (leading) options.onChanged(fullKey(key));
  };

  const settleOk = ({ key, lane }: Work, requeueAfterMs: number | undefined) => {
    // A check leaves the due time that the start gave: those of a restart are spread, and a check looks at no interval.
    const planned = lane === 'check' ? schedule.dueOf(key) : undefined;
    const hadFailed = owed.has(key);
    forget(key);
    if (hadFailed) options.onRecovered?.(fullKey(key));
    if (requeueAfterMs === undefined) return;
    const percent =
      kind.jitterPercent === undefined ? 0 : Math.max(kind.jitterPercent, options.jitterPercent);
    const wait = jitter(requeueAfterMs, percent, options.random);
    schedule.set(key, planned ?? clock.now() + wait);
  };

  const settleRetry = (key: string, trigger: Trigger, retryAfterMs: number | undefined): number => {
    const wait = backOff.failed(key);
    const due = clock.now() + (retryAfterMs ?? wait);
    owed.set(key, trigger);
    schedule.set(key, due);
    metrics.retried();
    return due;
  };

  const settleUndelivered = ({ work }: Assignment, retryAfterMs: number) => {
    if (retryAfterMs === 0) return queue.add(work.key, work.lane, work.trigger, work.due);
    owed.set(work.key, work.trigger);
    schedule.set(work.key, clock.now() + retryAfterMs);
  };

  const logFailure = (
    { work, request }: Assignment,
    outcome: { reason: string; message: string },
    nextAt?: number,
  ) => {
    log.error(outcome.message, {
      controllerGroup: kind.group,
      controllerKind: kind.kind,
      controller: kind.controller,
      namespace: request.namespace,
      name: request.name,
      error: outcome.reason,
      trigger: work.trigger,
      attempt: request.attempt,
      ...(nextAt !== undefined && { next: new Date(nextAt).toISOString() }),
    });
  };

  const settleCurrent = (assignment: Assignment, outcome: Outcome | Undelivered) => {
    const { key, trigger } = assignment.work;
    switch (outcome.result) {
      case 'ok':
        settleOk(assignment.work, outcome.requeueAfterMs);
        if (outcome.changed !== undefined) options.onChanged(fullKey(key));
        if (outcome.awaits) options.onAwaiting?.(fullKey(key));
        return;
      case 'retry':
        return logFailure(assignment, outcome, settleRetry(key, trigger, outcome.retryAfterMs));
      case 'stalled':
        forget(key);
        return logFailure(assignment, outcome);
      case 'undelivered':
        // The dispatcher has said it once for the whole batch.
        return settleUndelivered(assignment, outcome.retryAfterMs);
      case 'deferred':
        return queue.add(key, assignment.work.lane, trigger, assignment.work.due);
      case 'gone':
        return forget(key);
    }
  };

  return {
    lead() {
      leading = true;
      for (const record of records.values()) begin(record);
    },

    standBy() {
      leading = false;
      unchecked.clear();
      for (const key of records.keys()) {
        forget(key);
        queue.remove(key);
      }
    },

    seen(object: KubeObject, firstList: boolean): string {
      const text = recordKey(object.metadata.namespace, object.metadata.name);
      const before = records.get(text);
      const key = before?.key ?? text;
      const after = slimRecord(object, kind, key);
      const appeared = !before || before.uid !== after.uid;
      records.set(key, after);
      if (before && appeared) {
        // Another object under the old name: nothing of the old one counts.
        forget(key);
        queue.remove(key);
        metrics.forget(key);
      }
      if (kind.dependsOn) dependencies.set(fullKey(key), kind.dependsOn(object).map(keyText));
      if (!leading) return key;
      if (firstList && !before) {
        begin(after);
        return key;
      }
      const trigger = kind.isForeign ? foreignTriggerOf(before, after) : triggerOf(before, after);
      if (trigger) enqueue(key, 'now', trigger);
      if (appeared || before.generation !== after.generation) options.onChanged(fullKey(key));
      return key;
    },

    gone(object: KubeObject) {
      const key = recordKey(object.metadata.namespace, object.metadata.name);
      if (records.has(key)) remove(key);
    },

    keepOnly(listed, namespace) {
      const inScope = namespace === '' ? () => true : (key: string) => key.startsWith(`${namespace}/`);
      for (const key of records.keys()) if (!listed.has(key) && inScope(key)) remove(key);
    },

    take(limit) {
      const assignments: Assignment[] = [];
      for (const work of queue.take(limit)) {
        const { key } = work;
        if (work.lane !== 'check') schedule.remove(key);
        unchecked.delete(key);
        const trigger = owed.get(key) === 'requested' ? 'requested' : work.trigger;
        const request = {
          group: kind.group,
          kind: kind.kind,
          ...splitKey(key),
          uid: records.get(key)?.uid ?? '',
          trigger,
          attempt: backOff.attempts(key),
        };
        metrics.started(work);
        assignments.push({ work: { ...work, trigger }, request });
      }
      return assignments;
    },

    gathersUntil: () => queue.gathersUntil(),

    settle(assignment, outcome) {
      const { work, request } = assignment;
      const record = records.get(work.key);
      // What ran may be gone, or be another object by now, or another relay's: then its outcome decides nothing.
      if (leading && record && record.uid === request.uid) settleCurrent(assignment, outcome);
      if (outcome.result !== 'undelivered') metrics.ended(work.key, outcome, record !== undefined);
      else metrics.undelivered(work.key);
      queue.done(work.key);
      options.onSettled?.(fullKey(work.key));
      onWork();
    },

    wake(key, trigger) {
      const record = records.get(key);
      if (leading && record && !record.suspended) enqueue(key, 'now', trigger);
    },

    ask(key) {
      const record = records.get(key);
      if (!leading || !record || record.suspended || record.stalled) return;
      if (!owed.has(key) && !queue.has(key)) enqueue(key, 'now', 'dependency');
    },

    retry(key) {
      if (leading && owed.has(key)) enqueue(key, 'now', 'dependency');
    },

    has: (key) => records.has(key),

    busy: (key) => queue.has(key) || (schedule.dueOf(key) ?? Number.POSITIVE_INFINITY) <= clock.now(),

    checkAll(waits) {
      for (const key of unchecked) if (!waits(fullKey(key))) check(key);
    },

    check,

    state: () => ({
      objects: records.size,
      waiting: queue.waiting,
      running: queue.running,
      scheduled: schedule.size,
    }),

    stop: () => schedule.stop(),
  };
}
