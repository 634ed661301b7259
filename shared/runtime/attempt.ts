/** How the runs of all kinds go: the steps are tried, and whatever becomes of them is a verdict that the relay hears of. */
import { findCondition } from '../kube/conditions.ts';
import type { Condition } from '../kube/resource.ts';
import { type Failure, failureOf } from './failure.ts';
import type { Progress } from './progress.ts';
import type { Run, RunResult } from './reconciler.ts';

/**
 * Tries the steps of a run. What they throw becomes the verdict; the progress patch has come home either way.
 * @returns the verdict, and the object as it is stored now
 * @throws what is neither a `StalledError` nor a `RetryError`: then no step of the run failed
 */
export async function attempt<T, V>(
  { secrets }: Pick<Run, 'secrets'>,
  progress: Progress<T>,
  steps: () => Promise<V>,
): Promise<{ verdict: V | Failure; current: T }> {
  let verdict: V | Failure;
  let current: T;
  try {
    verdict = await steps();
  } catch (error) {
    verdict = failureOf(error, progress.message(), (text) => secrets.scrub(text));
  } finally {
    current = await progress.settle();
  }
  return { verdict, current };
}

/** A failure as the relay hears of it. */
export function failedResult(failure: Failure): RunResult {
  if (failure.result === 'stalled') return failure;
  const { progress: _shown, cause: _counted, ...result } = failure;
  return result;
}

/** What the relay counts and logs of an object: the condition `Ready` as the run left it. */
export function readyOf(object: { status?: { conditions?: Condition[] } }): Pick<RunResult, 'ready'> {
  const ready = findCondition(object.status?.conditions, 'Ready');
  return ready ? { ready: { status: ready.status, reason: ready.reason, message: ready.message } } : {};
}
