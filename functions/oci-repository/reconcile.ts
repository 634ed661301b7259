/** The story of one `OCIRepository`: from what it asks for to a file that consumers download and a status that tells of it. */
import { OCI_REPOSITORY, type OciRepository } from '../../shared/api/oci-repository.ts';
import { KubeError } from '../../shared/kube/errors.ts';
import { addFinalizer } from '../../shared/kube/finalizer.ts';
import { isPending } from '../../shared/kube/request-token.ts';
import { cacheMeasures } from '../../shared/oci/cache-measures.ts';
import { noCacheUse } from '../../shared/oci/cloud-tokens.ts';
import { attempt, failedResult, readyOf } from '../../shared/runtime/attempt.ts';
import { messageOf, RetryError } from '../../shared/runtime/errors.ts';
import { startProgress } from '../../shared/runtime/progress.ts';
import type { Reconcile, Run, RunResult } from '../../shared/runtime/reconciler.ts';
import type { Settings } from '../../shared/runtime/settings.ts';
import { dropFilesOfGone, finishDeletion } from './deletion.ts';
import { announce, tell } from './events.ts';
import { REASON } from './failures.ts';
import { startFindings } from './findings.ts';
import { bringUpToDate } from './ladder.ts';
import { statusAfter, suspendedStatus, writeProgress, writeStatus } from './status.ts';
import { findTarget, type Target } from './target.ts';
import type { Verdict } from './verdict.ts';

/** What the process gives to the reconciler, once. */
export interface Dependencies {
  settings: Settings;
}

/** Brings one `OCIRepository` from what it is to what it should be. Safe to repeat at any time. */
export function createReconciler({ settings }: Dependencies): Reconcile {
  return async (run) => {
    const startedAt = run.clock.now();
    const found = await findTarget(run, settings);
    if (!found) return { result: 'gone' };
    const { target, object } = found;
    if (object.metadata.deletionTimestamp) return await finishDeletion(target, object);
    const { finalizer } = OCI_REPOSITORY;
    const held = await addFinalizer(run.kube, target.resource, object, finalizer, run.signal);
    if (held.metadata.deletionTimestamp) return { result: 'gone' };
    if (held.spec.suspend) return await leaveAlone(target, held);
    return await reconcile(target, held, settings, startedAt);
  };
}

/** Suspended: whatever the registry and the store have, the status stays (20.1). */
async function leaveAlone(target: Target, object: OciRepository): Promise<RunResult> {
  const after = await writeStatus(target, object, suspendedStatus(object, target.run.clock.now()));
  return { result: after ? 'ok' : 'gone' };
}

async function reconcile(
  target: Target,
  object: OciRepository,
  settings: Settings,
  startedAt: number,
): Promise<RunResult> {
  const { run } = target;
  const findings = startFindings(object);
  const progress = startProgress({
    clock: run.clock,
    startedAt,
    object,
    requested: isPending(object),
    reason:
      object.status?.observedGeneration === object.metadata.generation ? 'Progressing' : 'NewGeneration',
    write: (conditions) => writeProgress(target, object, conditions, findings),
  });
  const warnings: string[] = [];
  const warn = (message: string) => warnings.push(message);
  const cacheUse = noCacheUse();
  const { verdict, current } = await attempt(run, progress, () =>
    bringUpToDate({ target, object, settings, progress, findings, warn, cacheUse }),
  );

  const shown = { target, object, stored: current.status };
  const status = statusAfter(shown, verdict, findings, run.clock.now());
  const after = await writeStatus(target, current, status).catch((error) => refuse(run, object, error));
  if (!after) {
    await dropFilesOfGone(target);
    return { result: 'gone' };
  }
  const events = await announce(run, { before: object, after }, verdict, findings, warnings);
  return outcomeOf(object, after, verdict, { events, measures: cacheMeasures(cacheUse) });
}

/** Nothing is lost: the file is stored under a name of its own, and the next run finds it (21). */
async function refuse(run: Run, object: OciRepository, error: unknown): Promise<never> {
  if (!(error instanceof KubeError)) throw error;
  const message = `failed to patch the status: ${messageOf(error)}`;
  await tell(run, object, { type: 'Warning', reason: REASON.patch, message });
  throw new RetryError(REASON.patch, message, { cause: error });
}

function outcomeOf(
  before: OciRepository,
  after: OciRepository,
  verdict: Verdict,
  counted: Pick<RunResult, 'events' | 'measures'>,
): RunResult {
  const report = { ...counted, ...readyOf(after) };
  if (verdict.result !== 'ok') return { ...report, ...failedResult(verdict) };
  const { artifact, waitMs } = verdict;
  const isChanged = before.status?.artifact?.revision !== artifact.revision;
  return {
    ...report,
    result: 'ok',
    ...(waitMs > 0 && { requeueAfterMs: waitMs }),
    ...(isChanged && { changed: artifact.revision }),
  };
}
