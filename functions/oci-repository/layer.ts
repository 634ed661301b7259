/** Which layer becomes the artifact (section 12), and its content. */
import { Readable } from 'node:stream';
import { HELM_CHART_LAYER, type LayerSelector } from '../../shared/api/oci-repository.ts';
import { digestMismatch, digestOfBytes, isDigest } from '../../shared/oci/digest.ts';
import type { Registry } from '../../shared/oci/registry.ts';
import type { ImageManifest, LayerDescriptor } from './manifest.ts';

const HELM_CONFIG = 'application/vnd.cncf.helm.config.v1+json';

/**
 * The first layer of the media type that is asked for; not asked: the chart of a Helm chart, which may stand behind its
 * provenance, else the first layer.
 * @throws Error with the whole message
 */
export function pickLayer(
  { configType, layers }: ImageManifest,
  selector: LayerSelector | undefined,
): LayerDescriptor {
  const [first] = layers;
  if (!first) throw new Error('no layers found in artifact');
  const wanted = selector?.mediaType;
  const ofType = (type: string) => layers.find(({ mediaType }) => mediaType === type);
  if (!wanted) return (configType === HELM_CONFIG && ofType(HELM_CHART_LAYER)) || first;
  const found = ofType(wanted);
  if (!found) throw new Error(`failed to find layer with media type '${wanted}' in artifact`);
  return found;
}

/** What a manifest offers, for whoever has to write a selector: `[0] application/…, [1] application/…`. */
export function listLayers(layers: readonly LayerDescriptor[]): string {
  return layers.map(({ mediaType }, index) => `[${index}] ${mediaType}`).join(', ');
}

/**
 * Opens the content of a layer. The stream ends with an error when its bytes are not those of the digest.
 * @throws RegistryError; Error where the descriptor says something that cannot be
 */
export async function openLayer(
  registry: Registry,
  { digest, size, data }: LayerDescriptor,
  signal: AbortSignal,
): Promise<Readable> {
  if (!isDigest(digest)) throw new Error(`'${digest}' is no digest of a layer`);
  if (data) return Readable.from([inlineContent(data, digest)]);
  const blob = await registry.blob(digest, signal);
  if (blob.size === undefined || blob.size === size) return blob.stream;
  blob.stream.destroy();
  throw new Error(`the registry sends ${blob.size} bytes for a layer of ${size} bytes`);
}

/** Content that stands in the manifest itself, checked as any other. */
function inlineContent(data: string, digest: string): Buffer {
  const bytes = Buffer.from(data, 'base64');
  const actual = digestOfBytes(bytes, digest);
  if (actual === digest) return bytes;
  throw digestMismatch('the data of the descriptor', digest, actual);
}
