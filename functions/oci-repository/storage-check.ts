/** Is the file of the status still there (6.3)? One HEAD, and a listing only in the time after a change. */
import type { StoredArtifact } from '../../shared/api/oci-repository.ts';
import { mayHaveOldFiles } from '../../shared/artifact/retention.ts';
import { inStep } from '../../shared/runtime/failure.ts';
import { STEP } from './failures.ts';
import type { Findings } from './findings.ts';
import type { Target } from './target.ts';

/** As our schema has it; what another release wrote may be something else (3.3). */
const DIGEST = /^[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$/;

/**
 * Takes the artifact out of `findings` when its file is lost: gone, altered (then it is deleted), or never ours.
 * @throws RetryError when the store cannot tell
 */
export async function checkStorage(target: Target, findings: Findings): Promise<void> {
  const { artifact } = findings;
  if (!artifact) return;
  const { run, artifacts } = target;
  findings.artifact = undefined;
  if (!DIGEST.test(artifact.digest ?? '')) return;
  const found = await inStep(STEP.check, run.signal, () => artifacts.check(artifact, run.signal)).catch(
    (error: unknown) => {
      // Nothing says that it is lost.
      findings.artifact = artifact;
      throw error;
    },
  );
  if (found.state === 'intact') findings.artifact = artifact;
  if (found.state !== 'altered') return;
  const message = `failed to verify integrity of artifact: ${found.why}`;
  findings.notes.push({ type: 'Warning', reason: 'ArtifactVerificationFailed', message });
  await inStep(STEP.remove, run.signal, () => artifacts.remove(artifact.path, run.signal));
}

/** Deletes old files in the time after a change (16.5). That it failed is logged, no more. */
export async function collectOldFiles(
  target: Target,
  artifact: StoredArtifact,
  intervalMs: number,
  findings: Findings,
): Promise<void> {
  const { run, artifacts, retention } = target;
  const changedAt = Date.parse(artifact.lastUpdateTime);
  if (!mayHaveOldFiles(changedAt, intervalMs, retention, run.clock.now())) return;
  try {
    const count = await artifacts.collect(artifact.path, run.signal);
    if (count === 0) return;
    const message = `garbage collected ${count} artifacts`;
    findings.notes.push({ type: 'Normal', reason: 'GarbageCollectionSucceeded', message });
  } catch (error) {
    run.log.error('old files could not be deleted', { error });
  }
}
