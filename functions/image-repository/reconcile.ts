/** The story of one `ImageRepository`: from what it is to a stored list of tags and a status that tells of it. */
import { IMAGE_REPOSITORY, type ImageRepository } from '../../shared/api/image-repository.ts';
import { addFinalizer } from '../../shared/kube/finalizer.ts';
import { isPending, withAnswer } from '../../shared/kube/request-token.ts';
import { cacheMeasures } from '../../shared/oci/cache-measures.ts';
import { noCacheUse } from '../../shared/oci/cloud-tokens.ts';
import { attempt, failedResult, readyOf } from '../../shared/runtime/attempt.ts';
import { startProgress } from '../../shared/runtime/progress.ts';
import type { Reconcile, RunResult } from '../../shared/runtime/reconciler.ts';
import type { Settings } from '../../shared/runtime/settings.ts';
import { dropRecordOfDeleted, finishDeletion } from './deletion.ts';
import { announce } from './events.ts';
import { bringUpToDate } from './ladder.ts';
import { scanMeasures } from './measures.ts';
import { statusAfter, writeConditions, writeStatus } from './status.ts';
import { findTarget, type Target } from './target.ts';
import { changedRevision, type Verdict } from './verdict.ts';

/** What the process gives to the reconciler, once. */
export interface Dependencies {
  settings: Settings;
}

/** Brings one `ImageRepository` from what it is to what it should be. Safe to repeat at any time (IR-RUN-4). */
export function createReconciler({ settings }: Dependencies): Reconcile {
  return async (run) => {
    const startedAt = run.clock.now();
    const found = await findTarget(run);
    if (!found) return { result: 'gone' };
    const { target, object } = found;
    if (object.metadata.deletionTimestamp) return await finishDeletion(target, object);
    const held = await hold(target, object);
    if (!held) return { result: 'gone' };
    if (held.spec.suspend) return await leaveAlone(target, held);
    return await reconcile(target, held, settings, startedAt);
  };
}

/** Puts our finalizer on it, so that nothing stored for it outlives it. Undefined: it has been deleted meanwhile. */
async function hold(
  { run, resource }: Target,
  object: ImageRepository,
): Promise<ImageRepository | undefined> {
  const { kube, signal } = run;
  const held = await addFinalizer(kube, resource, object, IMAGE_REPOSITORY.finalizer, signal);
  return held?.metadata.deletionTimestamp ? undefined : held;
}

/** Suspended: nothing moves but the answer to a request token (IR-REC-8). */
async function leaveAlone(target: Target, object: ImageRepository): Promise<RunResult> {
  const after = await writeStatus(target, object, withAnswer(object, object.status));
  return { result: after ? 'ok' : 'gone' };
}

async function reconcile(
  target: Target,
  object: ImageRepository,
  settings: Settings,
  startedAt: number,
): Promise<RunResult> {
  const { run } = target;
  const progress = startProgress({
    clock: run.clock,
    startedAt,
    object,
    requested: isPending(object),
    write: (conditions) => writeConditions(target, object, conditions),
  });
  const warnings: string[] = [];
  const warn = (message: string) => warnings.push(message);
  const cacheUse = noCacheUse();
  const { verdict, current } = await attempt(run, progress, () =>
    bringUpToDate({ target, object, settings, progress, startedAt, warn, cacheUse }),
  );

  const status = statusAfter(object, current.status, verdict, run.clock.now());
  const after = await writeStatus(target, current, status);
  if (verdict.result === 'ok' && verdict.scan) await dropRecordOfDeleted(target, object.metadata.uid, after);
  if (!after) return { result: 'gone' };
  const events = await announce(target, object, after, verdict, warnings);
  const measures = [...scanMeasures(object, verdict), ...cacheMeasures(cacheUse)];
  return outcomeOf(target, object, after, verdict, { events, measures });
}

function outcomeOf(
  { run }: Target,
  before: ImageRepository,
  after: ImageRepository,
  verdict: Verdict,
  counted: Pick<RunResult, 'events' | 'measures'>,
): RunResult {
  const report = { ...counted, ...readyOf(after) };
  if (verdict.result !== 'ok') return { ...report, ...failedResult(verdict) };
  const changed = changedRevision(before, verdict, run.request.attempt);
  return {
    ...report,
    result: 'ok',
    ...(verdict.waitMs > 0 && { requeueAfterMs: verdict.waitMs }),
    ...(changed && { changed }),
  };
}
