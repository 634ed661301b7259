/** One key of a batch inside its own error boundary: whatever happens to it, the others do not notice (design section 4). */
import { randomUUID } from 'node:crypto';
import type { KubeClient } from '../kube/client.ts';
import type { Clock } from './clock.ts';
import type { ObjectKey, Outcome, ReconcileRequest } from './contract.ts';
import type { FunctionEnvironment } from './environment.ts';
import { messageOf, RetryError, StalledError } from './errors.ts';
import { kindText, type Reconcilers, type RunResult } from './reconciler.ts';
import { RunSecrets } from './redact.ts';

/** A run that ends later than this after its signal aborted is given up: it would keep the whole batch waiting. */
const GRACE_MS = 3000;

/** A run is not started with less time than this left. */
const LEAST_TIME_MS = 12_000;

/** What all runs of a batch share. */
export interface BatchRun {
  cluster: string;
  kube: KubeClient;
  signal: AbortSignal;
  /** Milliseconds since 1970; `signal` aborts then. */
  deadline: number;
}

/**
 * Runs the reconciler of a request's group and kind. Never throws: `StalledError` becomes `stalled`, `RetryError` and
 * everything else `retry`. No text of the outcome holds a secret that the run has read.
 */
export async function runKey(
  request: ReconcileRequest,
  batch: BatchRun,
  reconcilers: Reconcilers,
  environment: FunctionEnvironment,
): Promise<Outcome> {
  const { clock } = environment;
  const started = clock.now();
  const key: ObjectKey = {
    group: request.group,
    kind: request.kind,
    namespace: request.namespace,
    name: request.name,
  };
  if (batch.deadline - started < LEAST_TIME_MS)
    return { ...key, result: 'deferred', durationMs: 0, events: 0 };

  const secrets = new RunSecrets();
  const log = environment.log.child(
    {
      controllerGroup: key.group,
      controllerKind: key.kind,
      controller: key.kind.toLowerCase(),
      namespace: key.namespace,
      name: key.name,
      reconcileID: randomUUID(),
    },
    secrets,
  );
  const result = await settle(
    async () => {
      const reconcile = reconcilers.get(kindText(key));
      if (!reconcile) throw new RetryError('UnknownKind', `this function does not serve ${kindText(key)}`);
      return await reconcile({
        request,
        cluster: batch.cluster,
        kube: batch.kube,
        store: environment.store,
        clock,
        log,
        secrets,
        signal: batch.signal,
        deadline: batch.deadline,
      });
    },
    batch.signal,
    clock,
  );

  if (environment.logFailures && 'reason' in result) {
    log.error(result.message, { error: result.reason, attempt: request.attempt });
  }
  return outcomeOf(key, result, Math.max(0, clock.now() - started), secrets);
}

async function settle(work: () => Promise<RunResult>, signal: AbortSignal, clock: Clock): Promise<RunResult> {
  const givenUp = Promise.withResolvers<RunResult>();
  let cancel: (() => void) | undefined;
  const onAbort = () => {
    const message = 'the run was given up: it did not end at its deadline';
    cancel = clock.after(GRACE_MS, () => givenUp.resolve({ result: 'retry', reason: 'Failure', message }));
  };
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work(), givenUp.promise]);
  } catch (error) {
    return failureOf(error);
  } finally {
    signal.removeEventListener('abort', onAbort);
    cancel?.();
  }
}

function failureOf(error: unknown): RunResult {
  if (error instanceof StalledError) {
    return { result: 'stalled', reason: error.reason, message: messageOf(error) };
  }
  const retry = error instanceof RetryError ? error : undefined;
  return {
    result: 'retry',
    reason: retry?.reason ?? 'Failure',
    message: messageOf(error),
    ...(retry?.retryAfterMs && { retryAfterMs: retry.retryAfterMs }),
  };
}

function outcomeOf(key: ObjectKey, result: RunResult, durationMs: number, secrets: RunSecrets): Outcome {
  const outcome: Outcome = { ...key, events: 0, ...result, durationMs };
  if ('message' in outcome) outcome.message = secrets.scrub(outcome.message);
  if (outcome.ready) outcome.ready = { ...outcome.ready, message: secrets.scrub(outcome.ready.message) };
  return outcome;
}
