/**
 * Takes work from a queue and has one function do it (design section 3): batches, a bound on what is in flight, a
 * circuit for a function that does not answer. What it hands back is checked: one result for each request, always.
 */
import type { Clock } from '../../shared/runtime/clock.ts';
import {
  type Batch,
  type ClusterAccess,
  CONTRACT_VERSION,
  type Outcome,
  type ReconcileRequest,
} from '../../shared/runtime/contract.ts';
import { messageOf } from '../../shared/runtime/errors.ts';
import type { Logger } from '../../shared/runtime/logger.ts';
import { RELEASE } from '../../shared/runtime/release.ts';
import { failed, readAnswer } from './answer.ts';
import { type Circuit, createCircuit } from './circuit.ts';
import { DispatchError, type DispatchTarget } from './dispatch-target.ts';
import type { Work } from './queue.ts';
import type { Slots } from './slots.ts';

/**
 * Time that a batch gets: the time-out of the deployed functions. The deadline that it carries is ten seconds earlier
 * (IR-REPO-3), and the relay stops waiting ten seconds later, when the function cannot be running any more.
 */
const BATCH_MS = 5 * 60_000;
const MARGIN_MS = 10_000;

/** A throttled function that names no time is asked again after this. */
const THROTTLED_MS = 1000;

/** A batch of which nothing was started: the function's clock or time-out is wrong, asking at once would spin. */
const ALL_DEFERRED_MS = 1000;

/** One piece of work as the function gets it. */
export interface Assignment {
  work: Work;
  request: ReconcileRequest;
}

/** The run never began, for no fault of the object: the same work again after `retryAfterMs`, not counted as a failure. */
export interface Undelivered {
  result: 'undelivered';
  reason: string;
  message: string;
  retryAfterMs: number;
}

export interface WorkSource {
  /** Up to `limit` keys, marked as running until they are settled; none: nothing to do yet. */
  take(limit: number): Assignment[];
  /** When `take` may give what it still gathers. */
  gathersUntil(): number | undefined;
  settle(assignment: Assignment, outcome: Outcome | Undelivered): void;
}

export interface DispatcherOptions {
  functionName: string;
  target: DispatchTarget;
  source: WorkSource;
  slots: Slots;
  /** Batches in flight of this function. */
  concurrent: number;
  cluster: string;
  access(): ClusterAccess | Promise<ClusterAccess>;
  /** Grows with every new leader. */
  epoch(): number;
  clock: Clock;
  log: Logger;
  /** Called for every batch that ended, for the metrics. */
  onBatch?(result: 'ok' | DispatchError['kind']): void;
}

export interface Dispatcher {
  readonly inFlight: number;
  readonly circuitOpen: boolean;
  /** There may be something to do. Work that arrives in the same turn of the event loop goes out together. */
  wake(): void;
  /** Takes no more work; resolves when nothing is in flight. */
  drain(): Promise<void>;
  /** Gives up what is in flight. */
  abandon(reason: Error): void;
}

export function createDispatcher(options: DispatcherOptions): Dispatcher {
  const { functionName, target, source, slots, clock, log } = options;
  const concurrent = options.concurrent * target.batchesPerSlot;
  const circuit: Circuit = createCircuit(clock);
  const flights = new Set<AbortController>();
  const drained = Promise.withResolvers<void>();
  let cancelTimer = () => {};
  let awake = false;
  let stopped = false;

  const wake = () => {
    if (awake || stopped) return;
    awake = true;
    queueMicrotask(() => {
      awake = false;
      pump();
    });
  };

  const wakeAt = (time: number) => {
    cancelTimer();
    cancelTimer = clock.after(Math.max(0, time - clock.now()), wake);
  };

  const pump = () => {
    while (!stopped && flights.size < concurrent) {
      if (circuit.allowsAt > clock.now()) return wakeAt(circuit.allowsAt);
      if (!slots.available) return;
      const assignments = source.take(target.batchSize);
      if (assignments.length === 0) {
        const time = source.gathersUntil();
        if (time !== undefined) wakeAt(time);
        return;
      }
      slots.take();
      void fly(assignments);
    }
  };

  const fly = async (assignments: Assignment[]) => {
    const flight = new AbortController();
    flights.add(flight);
    circuit.sent();
    const cancel = clock.after(BATCH_MS + MARGIN_MS, () => flight.abort(new Error('no answer in time')));
    const settlements = await ask(assignments, flight.signal);
    cancel();
    for (const [at, assignment] of assignments.entries()) source.settle(assignment, settlements[at]!);
    flights.delete(flight);
    if (stopped && flights.size === 0) drained.resolve();
    slots.free();
  };

  const ask = async (
    assignments: Assignment[],
    signal: AbortSignal,
  ): Promise<readonly (Outcome | Undelivered)[]> => {
    const requests = assignments.map(({ request }) => request);
    try {
      const batch = await batchOf(requests);
      const answer = await target.send(functionName, batch, signal);
      const outcomes = readAnswer(answer, requests, functionName);
      answered();
      if (outcomes.every(({ result }) => result === 'deferred')) circuit.pause(ALL_DEFERRED_MS);
      options.onBatch?.('ok');
      return outcomes;
    } catch (error) {
      return settlementsOf(error, requests);
    }
  };

  const batchOf = async (requests: ReconcileRequest[]): Promise<Batch> => {
    const deadline = clock.now() + BATCH_MS - MARGIN_MS;
    try {
      return {
        contract: CONTRACT_VERSION,
        release: RELEASE,
        cluster: options.cluster,
        access: await options.access(),
        epoch: options.epoch(),
        deadline,
        requests,
      };
    } catch (error) {
      throw new DispatchError('unreachable', `no access to the cluster to hand out: ${messageOf(error)}`);
    }
  };

  const answered = () => {
    if (circuit.open) log.info(`function ${functionName} answers again`);
    circuit.answered();
  };

  const settlementsOf = (error: unknown, requests: ReconcileRequest[]): (Outcome | Undelivered)[] => {
    // What is no DispatchError is an answer that could not be read.
    const { kind, retryAfterMs } =
      error instanceof DispatchError ? error : { kind: 'failed' as const, retryAfterMs: undefined };
    const message = messageOf(error);
    options.onBatch?.(kind);
    if (kind === 'throttled') {
      answered();
      circuit.pause(retryAfterMs ?? THROTTLED_MS);
      log.info(`function ${functionName} is throttled: ${message}`);
      return requests.map(() => undelivered('FunctionThrottled', message, 0));
    }
    const waitMs = circuit.unanswered();
    log.error(`function ${functionName} gave no answer: ${message}`, { objects: requests.length });
    return requests.map((request) =>
      kind === 'failed'
        ? failed(request, 'FunctionFailed', message)
        : undelivered('FunctionUnreachable', message, waitMs),
    );
  };

  slots.onFree(wake);

  return {
    get inFlight() {
      return flights.size;
    },
    get circuitOpen() {
      return circuit.open;
    },
    wake,
    drain() {
      stopped = true;
      cancelTimer();
      if (flights.size === 0) drained.resolve();
      return drained.promise;
    },
    abandon(reason) {
      for (const flight of flights) flight.abort(reason);
    },
  };
}

function undelivered(reason: string, message: string, retryAfterMs: number): Undelivered {
  return { result: 'undelivered', reason, message, retryAfterMs };
}
