/** The status of an `OCIRepository` after a run, and how it is written: one guarded patch (3.1, 6.6, 17). */
import type {
  OciRepository,
  OciRepositorySpec,
  OciRepositoryStatus,
  StoredArtifact,
} from '../../shared/api/oci-repository.ts';
import { findCondition, type Statement } from '../../shared/kube/conditions.ts';
import { withAnswer } from '../../shared/kube/request-token.ts';
import type { Condition } from '../../shared/kube/resource.ts';
import { patchStatus } from '../../shared/kube/status-patch.ts';
import { type Claim, type Claims, claim, OWNED } from './conditions.ts';
import { contentConfigChecksum } from './content-config.ts';
import { conditionOf, REASON } from './failures.ts';
import type { Findings } from './findings.ts';
import type { Resolved } from './reference.ts';
import type { Target } from './target.ts';
import type { Verdict } from './verdict.ts';

/** What only we write, for clients of 2022: the CRDs of other releases prune it (decisions 3). */
const ADDITIVE = ['contentConfigChecksum', 'artifact.checksum'];

/**
 * The whole status that shows a verdict. A failure keeps the artifact, unless its file is lost; a pending request is
 * answered whatever came of it (20.3).
 * @param object as the run read it: its generation and its request are the ones that were worked on
 * @param stored the status as it is stored now
 * @param now milliseconds since 1970
 */
export function statusAfter(
  {
    target,
    object,
    stored,
  }: { target: Target; object: OciRepository; stored: OciRepositoryStatus | undefined },
  verdict: Verdict,
  findings: Findings,
  now: number,
): OciRepositoryStatus {
  const { artifacts } = target;
  const generation = object.metadata.generation ?? 0;
  const status = withAnswer(object, stored);
  const claims = claimsOf(stored?.conditions, verdict, findings);
  status.conditions = claim(stored?.conditions, claims, generation, now);
  if (verdict.result !== 'retry') status.observedGeneration = generation;

  const artifact = verdict.result === 'ok' ? verdict.artifact : findings.artifact;
  if (!artifact) return withoutArtifact(status);
  // The base may have changed: the addresses follow it without a new artifact (16.2).
  status.artifact = { ...artifact, url: artifacts.url(artifact.path) };
  const hasAlias = verdict.result === 'ok' ? verdict.hasAlias : status.url !== undefined;
  status.url = hasAlias ? artifacts.url() : undefined;
  if (verdict.result === 'ok' && verdict.isNew) Object.assign(status, observed(object.spec));
  return status;
}

/** What the artifact was made of (6.7). Undefined members are removed. */
function observed(spec: OciRepositorySpec): OciRepositoryStatus {
  const { ignore, layerSelector } = spec;
  return {
    observedIgnore: ignore,
    observedLayerSelector: layerSelector,
    contentConfigChecksum: contentConfigChecksum(spec),
  };
}

/** Suspended: nothing moves but what 20.1 names. */
export function suspendedStatus(object: OciRepository, now: number): OciRepositoryStatus {
  const status = withAnswer(object, object.status);
  const { conditions } = status;
  if (!conditions?.length) return status;
  const generation = object.metadata.generation ?? 0;
  status.observedGeneration = generation;
  if (findCondition(conditions, 'Stalled')) {
    status.conditions = claim(conditions, { ...KEEP_ALL, Stalled: undefined }, generation, now);
  }
  return status;
}

const KEEP_ALL: Claims = {
  StorageOperationFailed: 'keep',
  FetchFailed: 'keep',
  ArtifactOutdated: 'keep',
  ArtifactInStorage: 'keep',
  SourceVerified: 'keep',
  Stalled: 'keep',
  Reconciling: 'keep',
};

/** What was seen of a reference and is not stored yet. */
function outdatedBy({ revision, name }: Resolved): Claim {
  const message = `new revision '${revision}' for '${name}'`;
  return { status: 'True', reason: 'NewRevision', message };
}

function claimsOf(
  stored: readonly Condition[] | undefined,
  verdict: Verdict,
  { artifact, resolved, unverified }: Findings,
): Claims {
  const isVerified = !unverified && findCondition(stored, 'SourceVerified')?.status === 'True';
  const kept: Claims = isVerified ? { SourceVerified: 'keep' } : {};
  if (verdict.result === 'ok') return { ...kept, ArtifactInStorage: storedClaim(verdict.artifact) };

  if (artifact) {
    kept.ArtifactInStorage = 'keep';
    // Not resolved by this run: what an earlier one has seen still counts.
    if (!resolved) kept.ArtifactOutdated = 'keep';
    else if (resolved.revision !== artifact.revision) kept.ArtifactOutdated = outdatedBy(resolved);
  }
  const { reason, message } = verdict;
  const type = conditionOf(reason);
  if (type) kept[type] = { status: type === 'SourceVerified' ? 'False' : 'True', reason, message };
  if (verdict.result === 'stalled') return { ...kept, Stalled: { status: 'True', reason, message } };
  const retrying = { reason: 'ProgressingWithRetry', message: verdict.progress };
  return { ...kept, Reconciling: { status: 'True', ...retrying } };
}

function storedClaim({ revision }: StoredArtifact): Claim {
  const message = `stored artifact for digest '${revision}'`;
  return { status: 'True', reason: REASON.succeeded, message };
}

/**
 * Writes what differs between `object` and `status`; nothing when nothing does.
 * @returns the object as it is stored now; undefined when it is gone
 * @throws RetryError `Conflict` when others keep writing
 */
export function writeStatus(
  { run, resource }: Target,
  object: OciRepository,
  status: OciRepositoryStatus,
): Promise<OciRepository | undefined> {
  const { kube, signal } = run;
  return patchStatus({ kube, resource, object, status, owned: OWNED, additive: ADDITIVE }, signal);
}

/** The progress patch. That it failed is logged, no more (decisions 3). An artifact that is lost is not shown any more. */
export async function writeProgress(
  target: Target,
  object: OciRepository,
  conditions: Condition[],
  { artifact }: Findings,
): Promise<OciRepository | undefined> {
  const status = { ...object.status, conditions };
  if (!artifact) {
    status.conditions = conditions.filter(({ type }) => type !== 'ArtifactInStorage');
    withoutArtifact(status);
  }
  try {
    return await writeStatus(target, object, status);
  } catch (error) {
    target.run.log.error('the progress could not be shown', { error });
    return undefined;
  }
}

function withoutArtifact(status: OciRepositoryStatus): OciRepositoryStatus {
  status.artifact = undefined;
  status.url = undefined;
  return status;
}

/** `ArtifactOutdated` beside the progress of a run. */
export function outdatedStatement(resolved: Resolved, generation: number): Statement {
  return { type: 'ArtifactOutdated', ...outdatedBy(resolved), observedGeneration: generation };
}
