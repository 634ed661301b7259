/** A revision becomes the file of an artifact, which nobody has stored yet: manifest, layer, file (S12 to S15). */
import { type OciRepositorySpec, operationOf } from '../../shared/api/oci-repository.ts';
import { ArtifactError } from '../../shared/artifact/artifact-error.ts';
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
import { listLayers, openLayer, pickLayer } from './layer.ts';
import { findImage, type ImageManifest, type LayerDescriptor, parseImage } from './manifest.ts';
import type { Resolved } from './reference.ts';

export interface Pull {
  spec: Pick<OciRepositorySpec, 'url' | 'ignore' | 'layerSelector'>;
  settings: Settings;
  registry: Registry;
  resolved: Resolved;
}

export type Operation = 'extract' | 'copy';

export interface Pulled {
  /** To be disposed of by whoever asked for it. */
  produced: ProducedArtifact;
  image: ImageManifest;
  layer: LayerDescriptor;
  operation: Operation;
}

/**
 * Pulls a revision.
 * @param signal of the object's timeout
 * @throws RetryError with reason and message of the condition
 */
export async function pullArtifact(pull: Pull, signal: AbortSignal): Promise<Pulled> {
  const { spec, registry, resolved } = pull;
  const manifest = await inStep(STEP.pull(spec.url), signal, async () => {
    const found = resolved.manifest ?? (await registry.manifest(resolved.digest, signal));
    return findImage(registry, found, resolved.name, signal);
  });
  const image = await inStep(STEP.parse, signal, () => parseImage(manifest));
  const { layer, operation } = await inStep(STEP.pick, signal, () => ({
    layer: pickLayer(image, spec.layerSelector),
    operation: requireOperation(operationOf(spec.layerSelector)),
  }));
  const produced = await produce(pull, image, layer, operation, signal);
  return { produced, image, layer, operation };
}

function requireOperation(operation: string): Operation {
  if (operation === 'extract' || operation === 'copy') return operation;
  throw new Error(`unsupported layer operation: ${operation}`);
}

async function produce(
  { spec, settings, registry }: Pull,
  { layers }: ImageManifest,
  layer: LayerDescriptor,
  operation: Operation,
  signal: AbortSignal,
): Promise<ProducedArtifact> {
  const { size, mediaType } = layer;
  const options = {
    operation,
    ignore: spec.ignore,
    limits: layerLimits(settings),
    algorithm: settings['artifact-digest-algo'],
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
