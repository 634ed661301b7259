/**
 * What `/metrics` shows (decisions 8): the names that Flux dashboards know, for every kind, from the outcomes. One
 * registry a relay, so that several relays of one process do not count for each other.
 */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Clock } from '../../shared/runtime/clock.ts';
import type { Outcome } from '../../shared/runtime/contract.ts';
import type { ControllerState } from './controller.ts';
import type { RelayKind } from './kinds.ts';
import { registerMeasures } from './measures.ts';
import { createObjectSeries } from './object-series.ts';
import type { Work } from './queue.ts';

/** Seconds. */
const RUN_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];
const WAIT_BUCKETS = [0.001, 0.01, 0.1, 1, 10, 60, 600];

/** What a controller counts. */
export interface ControllerMetrics {
  added(): void;
  retried(): void;
  started(work: Work): void;
  /** @param exists false: the object is gone, no series of its own may come back */
  ended(key: string, outcome: Outcome, exists: boolean): void;
  /** A run that was taken did not begin. */
  undelivered(key: string): void;
  forget(key: string): void;
}

/** What is asked of a controller when somebody looks. */
export interface ControllerGauges {
  state(): ControllerState;
  inFlight(): number;
  circuitOpen(): boolean;
  /** Runs at the same time, at most. */
  concurrent: number;
}

export interface RelayMetrics {
  controller(kind: RelayKind): ControllerMetrics;
  observe(kind: RelayKind, gauges: ControllerGauges): void;
  /** Shows whether this relay leads; without an election there is nothing to show. */
  observeLeader(leads: () => boolean): void;
  batchEnded(functionName: string, result: string): void;
  watchRestarted(kind: RelayKind, cause: string): void;
  /** The exposition format, in pieces. */
  text(): AsyncGenerator<string>;
}

export function createMetrics(clock: Clock): RelayMetrics {
  const registry = new Registry();
  const objects = createObjectSeries();
  const measure = registerMeasures(registry, objects);
  const registers = [registry];
  const counter = (name: string, help: string, ...labelNames: string[]) =>
    new Counter({ name, help, labelNames, registers });
  const gauge = (name: string, help: string, ...labelNames: string[]) =>
    new Gauge({ name, help, labelNames, registers });
  const histogram = (name: string, help: string, buckets: number[], ...labelNames: string[]) =>
    new Histogram({ name, help, buckets, labelNames, registers });

  const runs = counter('controller_runtime_reconcile_total', 'Runs, by result.', 'controller', 'result');
  const errors = counter('controller_runtime_reconcile_errors_total', 'Runs that failed.', 'controller');
  const terminal = counter(
    'controller_runtime_terminal_reconcile_errors_total',
    'Runs that failed for good: only a change of the object can repair it.',
    'controller',
  );
  const runTime = histogram(
    'controller_runtime_reconcile_time_seconds',
    'Duration of the runs.',
    RUN_BUCKETS,
    'controller',
  );
  const activeWorkers = gauge('controller_runtime_active_workers', 'Runs that are going on.', 'controller');
  const maxWorkers = gauge(
    'controller_runtime_max_concurrent_reconciles',
    'Runs at the same time, at most.',
    'controller',
  );
  const depth = gauge('workqueue_depth', 'Objects that wait for a run.', 'name');
  const adds = counter('workqueue_adds_total', 'Runs that were asked for.', 'name');
  const waits = histogram('workqueue_queue_duration_seconds', 'Wait for a run.', WAIT_BUCKETS, 'name');
  const work = histogram('workqueue_work_duration_seconds', 'From taken to settled.', RUN_BUCKETS, 'name');
  const retries = counter('workqueue_retries_total', 'Runs that are to be repeated.', 'name');
  const unfinished = gauge('workqueue_unfinished_work_seconds', 'Age of all runs that go on.', 'name');
  const longest = gauge('workqueue_longest_running_processor_seconds', 'Age of the oldest run.', 'name');
  const known = gauge('longshore_objects', 'Objects that are watched.', 'controller');
  const scheduled = gauge('longshore_scheduled_objects', 'Objects with a due time.', 'controller');
  const inFlight = gauge('longshore_batches_in_flight', 'Batches without an answer yet.', 'function');
  const circuit = gauge('longshore_circuit_open', '1: the function does not answer.', 'function');
  const batches = counter('longshore_batches_total', 'Batches, by result.', 'function', 'result');
  const restarts = counter('longshore_watch_restarts_total', 'Lists and watches.', 'controller', 'cause');
  const resident = gauge('process_resident_memory_bytes', 'Resident memory.');
  const cpu = counter('process_cpu_seconds_total', 'User and system time.');
  const started = gauge('process_start_time_seconds', 'Start of the process, since 1970.');
  started.set(Math.round(clock.now() / 1000 - process.uptime()));

  /** Before the text is made: what nobody counts. */
  const looks: (() => void)[] = [
    () => {
      resident.set(process.memoryUsage.rss());
      const { user, system } = process.cpuUsage();
      cpu.reset();
      cpu.inc((user + system) / 1e6);
    },
  ];

  return {
    controller(kind) {
      const { controller } = kind;
      const running = new Map<string, number>();
      const add = adds.labels(controller);
      const wait = waits.labels(controller);
      const worked = work.labels(controller);
      const ran = runTime.labels(controller);
      const retry = retries.labels(controller);
      const free = (key: string) => {
        const since = running.get(key);
        running.delete(key);
        if (since !== undefined) worked.observe((clock.now() - since) / 1000);
      };
      looks.push(() => {
        const ages = [...running.values()].map((since) => (clock.now() - since) / 1000);
        unfinished.set(
          { name: controller },
          ages.reduce((sum, age) => sum + age, 0),
        );
        longest.set({ name: controller }, Math.max(0, ...ages));
        activeWorkers.set({ controller }, running.size);
      });
      return {
        added: () => add.inc(),
        retried: () => retry.inc(),
        started({ key, addedAt }) {
          wait.observe((clock.now() - addedAt) / 1000);
          running.set(key, clock.now());
        },
        ended(key, outcome, exists) {
          free(key);
          runs.inc({ controller, result: resultOf(outcome) });
          if (outcome.result === 'deferred') return;
          ran.observe(outcome.durationMs / 1000);
          if (outcome.result === 'retry') errors.inc({ controller });
          if (outcome.result === 'stalled') terminal.inc({ controller });
          if (!exists || outcome.result === 'gone') return;
          objects.observe(kind, key, outcome.durationMs / 1000);
          for (const each of outcome.measures ?? []) measure(kind, key, each);
        },
        undelivered: free,
        forget: (key) => objects.forget(kind, key),
      };
    },

    observe({ controller, functionName }, gauges) {
      maxWorkers.set({ controller }, gauges.concurrent);
      looks.push(() => {
        const state = gauges.state();
        depth.set({ name: controller }, state.waiting);
        known.set({ controller }, state.objects);
        scheduled.set({ controller }, state.scheduled);
        inFlight.set({ function: functionName }, gauges.inFlight());
        circuit.set({ function: functionName }, gauges.circuitOpen() ? 1 : 0);
      });
    },

    observeLeader(leads) {
      const leader = gauge('leader_election_master_status', '1: this relay leads.', 'name');
      looks.push(() => leader.set({ name: 'longshore-relay' }, leads() ? 1 : 0));
    },

    batchEnded: (functionName, result) => batches.inc({ function: functionName, result }),
    watchRestarted: (kind, cause) => restarts.inc({ controller: kind.controller, cause }),

    async *text() {
      for (const look of looks) look();
      yield await registry.metrics();
      yield* objects.text();
    },
  };
}

/** As controller-runtime calls it. */
function resultOf(outcome: Outcome): string {
  switch (outcome.result) {
    case 'ok':
      return outcome.requeueAfterMs === undefined ? 'success' : 'requeue_after';
    case 'gone':
      return 'success';
    case 'deferred':
      return 'requeue';
    default:
      return 'error';
  }
}
