/** A revision becomes a stored artifact: manifest, layer, file, store (S12 to A7). */
import { type OciRepository, operationOf, type StoredArtifact } from '../../shared/api/oci-repository.ts';
import { ArtifactError } from '../../shared/artifact/artifact-error.ts';
import type { PublishedFile } from '../../shared/artifact/artifact-store.ts';
import {
  layerLimits,
  type ProducedArtifact,
  produceArtifact,
} from '../../shared/artifact/produce-artifact.ts';
import type { Registry } from '../../shared/oci/registry.ts';
import { messageOf } from '../../shared/runtime/errors.ts';
import { inStep, type Step } from '../../shared/runtime/failure.ts';
import type { Settings } from '../../shared/runtime/settings.ts';
import { STEP } from './failures.ts';
import type { Findings } from './findings.ts';
import { listLayers, openLayer, pickLayer } from './layer.ts';
import { findImage, type ImageManifest, type LayerDescriptor, parseImage } from './manifest.ts';
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

type Operation = 'extract' | 'copy';

/**
 * Makes and stores the artifact of a revision. What was published before stays as it is.
 * @param signal of the object's timeout: for what is asked of the registry
 * @throws RetryError with reason and message of the condition
 */
export async function buildArtifact(
  build: Build,
  signal: AbortSignal,
): Promise<{ artifact: StoredArtifact; hasAlias: boolean }> {
  const { target, object, registry, resolved } = build;
  const { url, layerSelector } = object.spec;
  const manifest = await inStep(STEP.pull(url), signal, async () => {
    const pulled = resolved.manifest ?? (await registry.manifest(resolved.digest, signal));
    return findImage(registry, pulled, resolved.name, signal);
  });
  const image = await inStep(STEP.parse, signal, () => parseImage(manifest));
  const { layer, operation } = await inStep(STEP.pick, signal, () => {
    const picked = pickLayer(image, layerSelector);
    return { layer: picked, operation: requireOperation(operationOf(layerSelector)) };
  });
  const produced = await produce(build, image, layer, operation, signal);
  try {
    const file = await store(build, produced, operation);
    const artifact = describe(file, resolved, image);
    return { artifact, hasAlias: await pointAlias(target, object, artifact, build.findings) };
  } finally {
    produced.dispose();
  }
}

function requireOperation(operation: string): Operation {
  if (operation === 'extract' || operation === 'copy') return operation;
  throw new Error(`unsupported layer operation: ${operation}`);
}

async function produce(
  { object, settings, registry }: Build,
  { layers }: ImageManifest,
  layer: LayerDescriptor,
  operation: Operation,
  signal: AbortSignal,
): Promise<ProducedArtifact> {
  const { size, mediaType } = layer;
  const options = {
    operation,
    ignore: object.spec.ignore,
    limits: layerLimits(settings),
    size,
    mediaType: mediaType ?? undefined,
  };
  let step: Step = STEP[operation];
  try {
    return await produceArtifact(await openLayer(registry, layer, signal), options, signal);
  } catch (error) {
    let shown = error;
    if (error instanceof ArtifactError) {
      if (error.code === 'ignore' || error.code === 'scratch') step = STEP[error.code];
      if (error.code === 'not-compressed' && layers.length > 1) shown = withLayers(error, layers);
    }
    return await inStep(step, signal, () => Promise.reject(shown));
  }
}

/** The wrong layer is the likely cause: what else there is helps to write a selector. */
function withLayers(error: ArtifactError, layers: readonly LayerDescriptor[]): Error {
  const advice = `layers in artifact: ${listLayers(layers)}; consider spec.layerSelector.mediaType`;
  return new Error(`${messageOf(error)}; ${advice}`, { cause: error });
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
  return inStep(step, run.signal, () =>
    artifacts.publish(produced, { uid, revision, current: findings.artifact }, run.signal),
  );
}

function describe(
  file: PublishedFile,
  { revision }: Resolved,
  { annotations }: ImageManifest,
): StoredArtifact {
  return {
    ...file,
    checksum: file.digest.slice(file.digest.indexOf(':') + 1),
    revision,
    ...(Object.keys(annotations).length > 0 && { metadata: annotations }),
  };
}

/** A consumer of the alias sees the artifact of before, at worst: no reason to fail (A7). */
async function pointAlias(
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
    return status?.url !== undefined;
  }
}
