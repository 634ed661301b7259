/** A revision becomes a stored artifact: pulled, published, told of (A1 to A7). */
import type { OciRepository, StoredArtifact } from '../../shared/api/oci-repository.ts';
import type { PublishedFile } from '../../shared/artifact/artifact-store.ts';
import type { ProducedArtifact } from '../../shared/artifact/produce-artifact.ts';
import type { Registry } from '../../shared/oci/registry.ts';
import { messageOf } from '../../shared/runtime/errors.ts';
import { inStep } from '../../shared/runtime/failure.ts';
import type { Settings } from '../../shared/runtime/settings.ts';
import { STEP } from './failures.ts';
import type { Findings } from './findings.ts';
import type { ImageManifest } from './manifest.ts';
import { type Operation, pullArtifact } from './pull.ts';
import type { Resolved } from './reference.ts';
import type { Target } from './target.ts';

export interface Build {
  target: Target;
  object: OciRepository;
  settings: Settings;
  registry: Registry;
  resolved: Resolved;
  findings: Findings;
}

/**
 * Makes and stores the artifact of a revision. What was published before stays as it is.
 * @param signal of the object's timeout: for what is asked of the registry
 * @throws RetryError with reason and message of the condition
 */
export async function buildArtifact(
  build: Build,
  signal: AbortSignal,
): Promise<{ artifact: StoredArtifact; hasAlias: boolean }> {
  const { target, object, settings, registry, resolved } = build;
  const pulled = await pullArtifact({ spec: object.spec, settings, registry, resolved }, signal);
  const { produced, image, operation } = pulled;
  try {
    const file = await store(build, produced, operation);
    const artifact = describe(file, produced, resolved, image);
    return { artifact, hasAlias: await pointAlias(target, object, artifact, build.findings) };
  } finally {
    produced.dispose();
  }
}

function store(
  { target, object, resolved, findings }: Build,
  produced: ProducedArtifact,
  operation: Operation,
): Promise<PublishedFile> {
  const { artifacts, run } = target;
  const { revision } = resolved;
  const { uid } = object.metadata;
  const step = operation === 'copy' ? STEP.storeCopied : STEP.storeExtracted;
  return inStep(step, run.signal, async () => {
    // A run that is cut off behind the file leaves nothing to do for the next one: so the alias comes first.
    if (object.status?.artifact && !findings.artifact) await artifacts.replaceLatest(produced, run.signal);
    return artifacts.publish(produced, { uid, revision, current: findings.artifact }, run.signal);
  });
}

function describe(
  file: PublishedFile,
  { sha256 }: ProducedArtifact,
  { revision }: Resolved,
  { annotations }: ImageManifest,
): StoredArtifact {
  return {
    ...file,
    checksum: sha256,
    revision,
    ...(Object.keys(annotations).length > 0 && { metadata: annotations }),
  };
}

/**
 * Lets the alias show the artifact. That it could not is no reason to fail (A7): without its address in the status, the
 * next run tries again.
 */
export async function pointAlias(
  { artifacts, run }: Target,
  { status }: OciRepository,
  { path }: StoredArtifact,
  { artifact, notes }: Findings,
): Promise<boolean> {
  if (artifact?.path === path && status?.url) return true;
  try {
    await artifacts.pointLatest(path, run.signal);
    return true;
  } catch (error) {
    const message = `failed to update status URL symlink: ${messageOf(error)}`;
    notes.push({ type: 'Normal', reason: 'SymlinkUpdateFailed', message });
    run.log.error(message);
    return false;
  }
}
