/**
 * The relay: for each kind reflectors → controller → dispatcher, and what they share (design section 3). It holds no
 * state that the Kubernetes API does not have: a relay that starts again computes everything from a list.
 */
import type { KubeClient } from '../../shared/kube/client.ts';
import type { KubeTransport } from '../../shared/kube/transport.ts';
import { type Clock, sleep } from '../../shared/runtime/clock.ts';
import type { Logger } from '../../shared/runtime/logger.ts';
import { kindText } from '../../shared/runtime/reconciler.ts';
import type { Settings } from '../../shared/runtime/settings.ts';
import type { ObjectStore } from '../../shared/storage/object-store.ts';
import { createBackOff } from './back-off.ts';
import type { AccessOf } from './cluster-access.ts';
import { type Controller, type ControllerState, createController } from './controller.ts';
import { createDependencies } from './dependencies.ts';
import { dependentsOf, targetsOf, waitsForOthers } from './dependents.ts';
import type { DispatchTarget } from './dispatch-target.ts';
import { createDispatcher, type Dispatcher } from './dispatcher.ts';
import { createElection, type Election, type ElectionOptions } from './election.ts';
import type { RelayKind } from './kinds.ts';
import { createMetrics, type RelayMetrics } from './metrics.ts';
import { createQueue } from './queue.ts';
import type { Reflector, RestartCause } from './reflector.ts';
import { createSlots, type Slots } from './slots.ts';
import { startSweep } from './sweep.ts';
import { foreignKindsOf, watchForeignKind, watchKind } from './watching.ts';

/** Batches in flight over all functions, for a target whose batches are whole ones. */
const MAX_IN_FLIGHT = 64;

/** What a stop waits for runs that are going on: below the 30 s after which a pod is killed. */
const STOP_MS = 25_000;

/**
 * A leader that stops keeps the Lease until its runs have ended, so that no object runs twice, but no longer than this:
 * somebody must act, within 3 s. What still runs then may overlap with a run of the next leader (docs/operations.md).
 */
const HAND_OVER_MS = 1500;

/** What the relay uses of the settings. */
export type RelaySettings = Pick<
  Settings,
  | 'cluster-id'
  | 'namespace'
  | 'watch-label-selector'
  | 'concurrent'
  | 'min-retry-delay'
  | 'max-retry-delay'
  | 'interval-jitter-percentage'
  | 'artifact-base-url'
  | 'sweep-interval'
>;

export interface RelayOptions {
  transport: KubeTransport;
  kube: KubeClient;
  kinds: readonly RelayKind[];
  /** Where the functions run. */
  target: DispatchTarget;
  /** How they reach the cluster; asked for every batch. */
  access: AccessOf;
  /** The store that the functions write to, for the sweep of orphans; none: no sweep. */
  store?: ObjectStore;
  /** Acts only while it holds this Lease; none: it is the only relay. */
  election?: Pick<ElectionOptions, 'lease' | 'identity' | 'uptime'>;
  settings: RelaySettings;
  clock: Clock;
  /** From 0 to below 1. */
  random: () => number;
  log: Logger;
}

/** What goes on in one kind. */
export interface KindState extends ControllerState {
  group: string;
  kind: string;
  /** A whole list was read. */
  synced: boolean;
  live: boolean;
  inFlight: number;
  circuitOpen: boolean;
}

export interface Relay {
  /** All watches are live: of a standby as well. */
  ready(): boolean;
  /** It acts: it holds the Lease, or needs none. */
  leads(): boolean;
  state(): KindState[];
  /** `/metrics`, in pieces. */
  metrics(): AsyncGenerator<string>;
  /** Takes no more work and waits for what goes on, at most 25 s. */
  stop(): Promise<void>;
}

interface Line {
  kind: RelayKind;
  controller: Controller;
  dispatcher: Dispatcher;
  reflectors: Reflector[];
}

/** Starts to watch and to dispatch. Never throws for what the cluster does not answer: it tries for ever. */
export function startRelay(options: RelayOptions): Relay {
  const { settings, clock, log } = options;
  const stopping = new AbortController();
  const metrics = createMetrics(clock);
  const shared: Shared = {
    metrics,
    slots: createSlots(MAX_IN_FLIGHT * options.target.batchesPerSlot),
    dependencies: createDependencies(),
    lines: new Map(),
    synced: () => {},
  };
  const election = options.election && createElection({ ...options, ...options.election, onLead, onLost });
  const leads = () => !election || election.holds();
  const lineOptions = { ...options, ...termOf(election, options) };
  for (const kind of options.kinds) shared.lines.set(kindText(kind), createLine(kind, lineOptions, shared));
  const lines = [...shared.lines.values()];
  const foreign = foreignKindsOf(options.kinds).flatMap((kind) =>
    watchForeignKind(kind, {
      ...options,
      onChanged: (changed) => {
        if (leads()) wakeDependents(changed, shared);
      },
      onRestart: () => shared.synced(),
    }),
  );
  const reflectors = [...lines.flatMap((line) => line.reflectors), ...foreign];
  shared.synced = checkWhenSynced;

  function onLead() {
    if (stopping.signal.aborted) return;
    for (const { controller } of lines) controller.lead();
    checkWhenSynced();
  }
  /** The checks of the start come when everything is known that has to run before them. */
  function checkWhenSynced() {
    if (!leads() || !reflectors.every(({ synced }) => synced)) return;
    for (const { controller } of lines) controller.checkAll((dependent) => waitsForOthers(dependent, shared));
  }
  function onLost() {
    for (const { controller } of lines) controller.standBy();
  }

  const running = reflectors.map((each) => each.run(stopping.signal));
  const elected = election?.run(stopping.signal);
  if (!election) onLead();
  else metrics.observeLeader(election.holds);
  const restricted = settings.namespace.length > 0 || settings['watch-label-selector'] !== '';
  if (options.store && !restricted) {
    const sweep = { cluster: settings['cluster-id'], everyMs: settings['sweep-interval'], leads };
    running.push(startSweep({ ...options, ...sweep, store: options.store }, stopping.signal));
  }

  let stopped: Promise<void> | undefined;
  const stop = async () => {
    stopping.abort(new Error('the relay stops'));
    for (const { controller } of lines) controller.stop();
    const drained = Promise.all(lines.map(({ dispatcher }) => dispatcher.drain()));
    const waiting = new AbortController();
    const handOver = async () => {
      await Promise.race([drained, sleep(clock, HAND_OVER_MS, waiting.signal).catch(() => {})]);
      await elected;
      await election?.release();
    };
    const handedOver = handOver();
    const late = sleep(clock, STOP_MS, waiting.signal).then(() => {
      const objects = lines.reduce((sum, { controller }) => sum + controller.state().running, 0);
      log.error(`stopped while ${objects} objects were being reconciled`);
    });
    await Promise.race([drained, late.catch(() => {})]);
    waiting.abort();
    for (const { dispatcher } of lines) dispatcher.abandon(stopping.signal.reason);
    await Promise.all([...running, handedOver]);
  };

  return {
    ready: () => lines.every(({ reflectors }) => reflectors.every((each) => each.live())),
    leads,
    state: () => lines.map(stateOf),
    metrics: () => metrics.text(),
    stop() {
      stopped ??= stop();
      return stopped;
    },
  };
}

interface Shared {
  metrics: RelayMetrics;
  slots: Slots;
  dependencies: ReturnType<typeof createDependencies>;
  lines: Map<string, Line>;
  /** A reflector may have read its first list. */
  synced(): void;
}

/** What a batch says of the term in which it is sent. Out of it none is: another relay may act by now. */
function termOf(election: Election | undefined, { access }: RelayOptions) {
  if (!election) return { epoch: () => 0, access };
  return {
    epoch: () => election.epoch,
    access: (functionName: string) => {
      if (!election.holds()) throw new Error('this relay does not lead any more');
      return access(functionName);
    },
  };
}

function createLine(kind: RelayKind, options: RelayOptions & { epoch(): number }, shared: Shared): Line {
  const { settings, clock, random, log, target } = options;
  const concurrent = Math.min(settings.concurrent, kind.concurrent ?? Number.POSITIVE_INFINITY);
  const { metrics, dependencies } = shared;
  const controller = createController({
    kind,
    queue: createQueue(clock),
    backOff: createBackOff(settings['min-retry-delay'], settings['max-retry-delay']),
    dependencies,
    jitterPercent: settings['interval-jitter-percentage'],
    baseUrl: settings['artifact-base-url'],
    metrics: metrics.controller(kind),
    clock,
    random,
    log,
    onWork: () => dispatcher.wake(),
    onChanged: (changed) => wakeDependents(changed, shared),
    onAwaiting: (dependent) => {
      for (const { controller, key } of targetsOf(dependent, shared)) controller.ask(key);
    },
    onRecovered: (target) => {
      for (const { controller, key } of dependentsOf(target, shared)) controller.retry(key);
    },
    onSettled: (target) => {
      for (const { controller, key } of dependentsOf(target, shared)) controller.check(key);
    },
  });
  const dispatcher = createDispatcher({
    functionName: kind.functionName,
    target,
    source: controller,
    slots: shared.slots,
    concurrent,
    cluster: settings['cluster-id'],
    access: () => options.access(kind.functionName),
    epoch: options.epoch,
    clock,
    log,
    onBatch: (result) => metrics.batchEnded(kind.functionName, result),
  });
  metrics.observe(kind, {
    state: () => controller.state(),
    inFlight: () => dispatcher.inFlight,
    circuitOpen: () => dispatcher.circuitOpen,
    concurrent: concurrent * target.batchesPerSlot * target.batchSize,
  });
  const onRestart = (cause: RestartCause) => {
    metrics.watchRestarted(kind, cause);
    shared.synced();
  };
  const reflectors = watchKind(kind, { ...options, sink: controller, onRestart });
  return { kind, controller, dispatcher, reflectors };
}

function wakeDependents(changed: string, shared: Shared): void {
  for (const { controller, key } of dependentsOf(changed, shared)) controller.wake(key, 'dependency');
}

function stateOf({ kind, controller, dispatcher, reflectors }: Line): KindState {
  return {
    group: kind.group,
    kind: kind.kind,
    ...controller.state(),
    synced: reflectors.every(({ synced }) => synced),
    live: reflectors.every((each) => each.live()),
    inFlight: dispatcher.inFlight,
    circuitOpen: dispatcher.circuitOpen,
  };
}
