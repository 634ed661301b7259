/** The status of an `ImagePolicy` after a run (3.5, 8.9). */
import type { ImagePolicy, ImagePolicyStatus } from '../../shared/api/image-policy.ts';
import { retrying, stalled, succeeded } from '../../shared/kube/conditions.ts';
import { withAnswer } from '../../shared/kube/request-token.ts';
import type { Condition } from '../../shared/kube/resource.ts';
import { REASON } from './failures.ts';
import { choiceText, imageText } from './reference.ts';
import type { Verdict } from './verdict.ts';

/**
 * Fields that the CRDs of some release prune: that one is missing is never a reason to write (IR-API-3, decisions 3).
 * `v1` has the references, older versions had the texts, and in between there were both.
 */
export function prunedFields(version: string): readonly string[] {
  const texts = ['latestImage', 'observedPreviousImage'];
  return version === 'v1'
    ? texts
    : [...texts.slice(1), 'latestRef', 'observedPreviousRef', 'lastHandledReconcileAt'];
}

/**
 * The whole status that shows a verdict. A failure keeps the choice of the last success (IR-POL-3); a pending request is
 * answered whatever came of it.
 * @param object as the run read it: its generation and its request are the ones that were worked on
 * @param stored the status as it is stored now
 * @param progress the last progress message
 * @param now milliseconds since 1970
 */
export function statusAfter(
  object: ImagePolicy,
  stored: ImagePolicyStatus | undefined,
  verdict: Verdict,
  progress: string,
  now: number,
): ImagePolicyStatus {
  const generation = object.metadata.generation ?? 0;
  const status = withAnswer(object, stored);
  const conditions = status.conditions ?? [];
  status.conditions = conditionsAfter(conditions, verdict, { progress, generation }, now);
  if (verdict.result === 'ok' || verdict.result === 'stalled') status.observedGeneration = generation;
  if (verdict.result !== 'ok') return status;

  const { latest, previous } = verdict.references;
  status.latestRef = latest;
  status.latestImage = imageText(latest);
  if (previous) {
    status.observedPreviousRef = previous;
    status.observedPreviousImage = imageText(previous);
  }
  return status;
}

function conditionsAfter(
  conditions: Condition[],
  verdict: Verdict,
  { progress, generation }: { progress: string; generation: number },
  now: number,
): Condition[] {
  if (verdict.result === 'ok') {
    const message = choiceText(verdict.references);
    return succeeded(conditions, { reason: REASON.succeeded, message, generation }, now);
  }
  const { reason, message } = verdict;
  if (verdict.result === 'stalled') return stalled(conditions, { reason, message, generation }, now);
  return retrying(conditions, { reason, message, progress, generation }, now);
}
