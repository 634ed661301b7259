/**
 * The middy stack that every function has (design section 4), outside in: parse the batch, take the credentials out of
 * it, bound the time, run the keys.
 */
import middy from '@middy/core';
import * as z from 'zod/mini';
import { Batch, type BatchResult, CONTRACT_VERSION, type ReconcileRequest } from './contract.ts';
import type { FunctionEnvironment } from './environment.ts';
import type { Reconcilers } from './reconciler.ts';
import { RELEASE } from './release.ts';
import { type BatchRun, runKey } from './run-key.ts';
import type { StoreUse } from './self-check.ts';

/** Time kept for the answer at the end of an invocation. */
const ANSWER_MS = 2000;

/** What the stack needs of Lambda's context; in-process it is empty. */
export interface InvocationContext {
  getRemainingTimeInMillis?: () => number;
}

/**
 * Answers a batch. A check (`check-contract.ts`) it answers with a `CheckResult`.
 * @throws Error with a message for operators when the event is no batch of a release that we understand
 */
export type FunctionHandler = (event: unknown, context: InvocationContext) => Promise<BatchResult>;

interface Stage {
  event: unknown;
  context: InvocationContext;
}

interface Prepared extends BatchRun {
  requests: ReconcileRequest[];
  release(): void;
}

/**
 * The handler of a function that serves the kinds of `reconcilers`.
 * @param use its part of the store, for a check to try; none: it has no use for the store
 */
export function createHandler(
  reconcilers: Reconcilers,
  environment: FunctionEnvironment,
  use?: StoreUse,
): FunctionHandler {
  const runBatch = async (prepared: Prepared): Promise<BatchResult> => {
    try {
      const runs = prepared.requests.map((request) => runKey(request, prepared, reconcilers, environment));
      return { contract: CONTRACT_VERSION, release: RELEASE, outcomes: await Promise.all(runs) };
    } finally {
      prepared.release();
    }
  };
  const handler = middy({ timeoutEarlyInMillis: 0 })
    .before(answerChecks(reconcilers, environment, use) as never)
    .before(parseBatch as never)
    .before(prepareRun(environment) as never)
    .handler(runBatch as never);
  return handler as unknown as FunctionHandler;
}

/** A check gets its answer here, and goes no further. What it needs is loaded when somebody asks. */
function answerChecks(reconcilers: Reconcilers, environment: FunctionEnvironment, use: StoreUse | undefined) {
  return async ({ event }: Stage) => {
    if (!isCheck(event)) return undefined;
    const { answerCheck } = await import('./self-check.ts');
    return answerCheck(event, reconcilers.keys(), environment, use);
  };
}

function isCheck(event: unknown): boolean {
  return typeof event === 'object' && event !== null && 'check' in event;
}

async function parseBatch(request: Stage): Promise<void> {
  const parsed = Batch.safeParse(request.event);
  if (!parsed.success) {
    throw new Error(
      `the batch does not follow contract ${CONTRACT_VERSION}: ${z.prettifyError(parsed.error)}`,
    );
  }
  await checkRelease(parsed.data.release);
  request.event = parsed.data;
}

/** What compares releases is loaded where they differ: for the days of an upgrade. */
async function checkRelease(relay: string): Promise<void> {
  if (relay === RELEASE) return;
  const { releaseProblem } = await import('./release-skew.ts');
  const problem = releaseProblem(relay, 'the relay');
  if (problem) throw new Error(problem);
}

/** From here on nothing holds the access token but the client. */
function prepareRun(environment: FunctionEnvironment) {
  return async (request: Stage): Promise<void> => {
    const { access, ...batch } = request.event as Batch;
    const kube = await environment.connect(access);
    const now = environment.clock.now();
    const remaining = request.context.getRemainingTimeInMillis?.() ?? Number.POSITIVE_INFINITY;
    const deadline = Math.min(batch.deadline, now + remaining - ANSWER_MS);
    const controller = new AbortController();
    const cancel = environment.clock.after(Math.max(0, deadline - now), () =>
      controller.abort(new Error('the deadline of the invocation has passed')),
    );
    const prepared: Prepared = {
      cluster: batch.cluster,
      kube,
      signal: controller.signal,
      deadline,
      requests: batch.requests,
      release: cancel,
    };
    request.event = prepared;
  };
}
