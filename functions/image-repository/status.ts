/** The status of an `ImageRepository` after a run, and how it is written: one guarded patch (3.5, 3.6, 5.7). */
import type { ImageRepository, ImageRepositoryStatus } from '../../shared/api/image-repository.ts';
import { retrying, rfc3339, stalled, succeeded } from '../../shared/kube/conditions.ts';
import { withAnswer } from '../../shared/kube/request-token.ts';
import type { Condition } from '../../shared/kube/resource.ts';
import { patchConditions, patchStatus } from '../../shared/kube/status-patch.ts';
import { REASON } from './failures.ts';
import type { Target } from './target.ts';
import type { Verdict } from './verdict.ts';

/** What the CRDs of older releases prune: that it is missing is never a reason to write (IR-API-3, decisions 3). */
const PRUNED = ['observedExclusionList', 'lastScanResult.revision', 'lastScanResult.latestTags'];

/**
 * The whole status that shows a verdict. A failure keeps everything that a success has published (IR-REPO-2); a
 * pending request is answered whatever came of it (IR-REPO-9).
 * @param object as the run read it: its generation and its request are the ones that were worked on
 * @param stored the status as it is stored now
 * @param now milliseconds since 1970
 */
export function statusAfter(
  object: ImageRepository,
  stored: ImageRepositoryStatus | undefined,
  verdict: Verdict,
  now: number,
): ImageRepositoryStatus {
  const generation = object.metadata.generation ?? 0;
  const status = withAnswer(object, stored);
  status.conditions = conditionsAfter(status.conditions ?? [], verdict, generation, now);
  if (verdict.result !== 'retry') status.observedGeneration = generation;
  if (verdict.result !== 'ok') return status;

  const { scan } = verdict;
  status.canonicalImageName = verdict.canonicalName;
  status.observedExclusionList = verdict.exclusionList;
  if (scan) {
    status.lastScanResult = {
      tagCount: scan.tagCount,
      revision: scan.revision,
      scanTime: rfc3339(scan.scanTime),
      ...(scan.latestTags && { latestTags: scan.latestTags }),
    };
  }
  return status;
}

/**
 * Writes what differs between `object` and `status`; nothing when nothing does.
 * @returns the object as it is stored now; undefined when it is gone
 * @throws RetryError `Conflict` when others keep writing
 */
export function writeStatus(
  { run, resource }: Target,
  object: ImageRepository,
  status: ImageRepositoryStatus,
): Promise<ImageRepository | undefined> {
  return patchStatus({ kube: run.kube, resource, object, status, additive: PRUNED }, run.signal);
}

/** The progress patch. That it failed is logged, no more (decisions 3). */
export function writeConditions(
  { run, resource }: Target,
  object: ImageRepository,
  conditions: Condition[],
): Promise<ImageRepository | undefined> {
  const patch = { kube: run.kube, resource, object, additive: PRUNED };
  return patchConditions(patch, conditions, run.log, run.signal);
}

function conditionsAfter(
  conditions: Condition[],
  verdict: Verdict,
  generation: number,
  now: number,
): Condition[] {
  if (verdict.result === 'ok') {
    const message = `successful scan: found ${verdict.tagCount} tags with checksum ${verdict.revision}`;
    return succeeded(conditions, { reason: REASON.succeeded, message, generation }, now);
  }
  const { reason, message } = verdict;
  if (verdict.result === 'stalled') return stalled(conditions, { reason, message, generation }, now);
  return retrying(conditions, { reason, message, progress: verdict.progress, generation }, now);
}
