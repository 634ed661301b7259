/** The story of one `ImagePolicy`: from the tags that a scan has stored to the one that should run. */
import { IMAGE_POLICY, type ImagePolicy, type ImagePolicyStatus } from '../../shared/api/image-policy.ts';
import { addFinalizer, removeFinalizer } from '../../shared/kube/finalizer.ts';
import { type Found, findObject } from '../../shared/kube/find-object.ts';
import { isPending, withAnswer } from '../../shared/kube/request-token.ts';
import { patchConditions, patchStatus } from '../../shared/kube/status-patch.ts';
import { cacheMeasures } from '../../shared/oci/cache-measures.ts';
import { noCacheUse } from '../../shared/oci/cloud-tokens.ts';
import { attempt, failedResult, readyOf } from '../../shared/runtime/attempt.ts';
import { startProgress } from '../../shared/runtime/progress.ts';
import type { Reconcile, Run, RunResult } from '../../shared/runtime/reconciler.ts';
import type { Settings } from '../../shared/runtime/settings.ts';
import { announce } from './events.ts';
import { bringUpToDate } from './ladder.ts';
import { evaluationMeasure } from './measures.ts';
import { prunedFields, statusAfter } from './status.ts';
import type { Verdict } from './verdict.ts';

/** What the process gives to the reconciler, once. */
export interface Dependencies {
  settings: Settings;
}

/** The object of a run, and where it is written. */
interface Target extends Found<ImagePolicy> {
  run: Run;
}

/** Brings one `ImagePolicy` from what it is to what it should be. Safe to repeat at any time (IR-RUN-4). */
export function createReconciler({ settings }: Dependencies): Reconcile {
  return async (run) => {
    const startedAt = run.clock.now();
    const found = await findObject<ImagePolicy>(run, IMAGE_POLICY);
    if (!found) return { result: 'gone' };
    const target = { run, ...found };
    if (found.object.metadata.deletionTimestamp) return await letGo(target);
    const object = await addFinalizer(
      run.kube,
      found.resource,
      found.object,
      IMAGE_POLICY.finalizer,
      run.signal,
    );
    if (object.metadata.deletionTimestamp) return { result: 'gone' };
    if (object.spec.suspend) return await leaveAlone({ ...target, object });
    return await reconcile({ ...target, object }, settings, startedAt);
  };
}

/** Nothing is stored for a policy: it may go. No condition, no event (IR-REC-5, IR-REC-7). */
async function letGo({ run, resource, object }: Target): Promise<RunResult> {
  await removeFinalizer(run.kube, resource, object, IMAGE_POLICY.finalizer, run.signal);
  return { result: 'gone' };
}

/** Suspended: nothing moves but the answer to a request token (IR-REC-8). */
async function leaveAlone(target: Target): Promise<RunResult> {
  const after = await write(target, withAnswer(target.object, target.object.status));
  return { result: after ? 'ok' : 'gone' };
}

async function reconcile(target: Target, settings: Settings, startedAt: number): Promise<RunResult> {
  const { run, object } = target;
  const progress = startProgress({
    clock: run.clock,
    startedAt,
    object,
    requested: isPending(object),
    write: (conditions) => patchConditions(patchOf(target), conditions, run.log, run.signal),
  });
  const warnings: string[] = [];
  const warn = (message: string) => warnings.push(message);
  const cacheUse = noCacheUse();
  const { verdict, current } = await attempt(run, progress, () =>
    bringUpToDate({ run, policy: object, settings, warn, cacheUse }),
  );

  if (verdict.result === 'waiting' && verdict.silent) return resultOf(verdict);
  const status = statusAfter(object, current.status, verdict, progress.message(), run.clock.now());
  const after = await write({ ...target, object: current }, status);
  if (!after) return { result: 'gone' };
  const events = await announce(run, object, after, verdict, warnings);
  const measures = [evaluationMeasure(verdict), ...cacheMeasures(cacheUse)];
  return { ...resultOf(verdict), ...readyOf(after), events, measures };
}

/** Answers the object as it is stored now; undefined when it is gone. */
function write(target: Target, status: ImagePolicyStatus): Promise<ImagePolicy | undefined> {
  return patchStatus({ ...patchOf(target), status }, target.run.signal);
}

function patchOf({ run, resource, object }: Target) {
  return { kube: run.kube, resource, object, additive: prunedFields(resource.version) };
}

function resultOf(verdict: Verdict): RunResult {
  switch (verdict.result) {
    case 'ok':
      return { result: 'ok', ...(verdict.waitMs > 0 && { requeueAfterMs: verdict.waitMs }) };
    case 'waiting': {
      const { waitMs: requeueAfterMs, asksRepository: awaits } = verdict;
      return { result: 'ok', requeueAfterMs, ...(awaits && { awaits }) };
    }
    default:
      return failedResult(verdict);
  }
}
