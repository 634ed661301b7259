/** The image behind a digest: its manifest, out of an index where there is one (9.4, 9.5). */
import * as z from 'zod/mini';
import type { Manifest, Registry } from '../../shared/oci/registry.ts';
import { messageOf } from '../../shared/runtime/errors.ts';

const Descriptor = z.object({
  mediaType: z.nullish(z.string()),
  digest: z.string(),
  size: z.int().check(z.nonnegative()),
  /** The content itself, in base64. */
  data: z.nullish(z.string()),
});

const Image = z.object({
  config: z.nullish(z.object({ mediaType: z.nullish(z.string()) })),
  layers: z.nullish(z.array(Descriptor)),
  annotations: z.nullish(z.record(z.string(), z.string())),
});

const Index = z.object({
  manifests: z.nullish(
    z.array(
      z.object({
        digest: z.string(),
        platform: z.nullish(z.object({ os: z.nullish(z.string()), architecture: z.nullish(z.string()) })),
      }),
    ),
  ),
});

export type LayerDescriptor = z.infer<typeof Descriptor>;

/** What is read out of the manifest of one image. */
export interface ImageManifest {
  configType: string;
  layers: LayerDescriptor[];
  annotations: Record<string, string>;
}

const INDEX_TYPES = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
];
const SCHEMA_1 = /^application\/vnd\.docker\.distribution\.manifest\.v1\+/;

/** The platform whose image is taken out of an index. */
const PLATFORM = { os: 'linux', architecture: 'amd64' };

/** Indexes within indexes: more than anybody builds. */
const DEEPEST = 8;

/**
 * The manifest of one image: `manifest` itself, or the first one for linux/amd64 in the index that it is.
 * @param name of the whole, for messages
 * @throws RegistryError; Error with the text that follows `failed to pull artifact from …: `
 */
export async function findImage(
  registry: Registry,
  manifest: Manifest,
  name: string,
  signal: AbortSignal,
): Promise<Manifest> {
  let current = manifest;
  for (let depth = 0; depth < DEEPEST; depth++) {
    const type = mediaTypeOf(current);
    if (SCHEMA_1.test(type)) throw new Error(`manifests of type '${type}' are not supported`);
    if (!INDEX_TYPES.includes(type)) return current;
    const digest = childOf(current);
    if (!digest) throw new Error(`no child with platform linux/amd64 in index ${name}`);
    current = await registry.manifest(digest, signal);
  }
  throw new Error(`index ${name} has more than ${DEEPEST} levels`);
}

/** @throws Error with the text that follows `failed to parse artifact manifest: ` */
export function parseImage(manifest: Manifest): ImageManifest {
  const { config, layers, annotations } = parse(Image, manifest);
  return { configType: config?.mediaType ?? '', layers: layers ?? [], annotations: annotations ?? {} };
}

/** What the registry calls it; where it uses a name of its own, what the manifest calls itself. */
function mediaTypeOf(manifest: Manifest): string {
  const told = manifest.mediaType.split(';', 1)[0]!.trim();
  if (INDEX_TYPES.includes(told) || SCHEMA_1.test(told) || /\.(image|distribution)\.manifest\./.test(told)) {
    return told;
  }
  try {
    return parse(z.object({ mediaType: z.nullish(z.string()) }), manifest).mediaType ?? told;
  } catch {
    return told;
  }
}

/** An entry without a platform counts as one for ours. */
function childOf(index: Manifest): string | undefined {
  const { manifests } = parse(Index, index);
  const child = (manifests ?? []).find(
    ({ platform }) =>
      !platform || (platform.os === PLATFORM.os && platform.architecture === PLATFORM.architecture),
  );
  return child?.digest;
}

function parse<T>(schema: z.ZodMiniType<T>, { bytes }: Manifest): T {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw new Error(`it is not valid JSON: ${messageOf(error)}`, { cause: error });
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const { path, message } = parsed.error.issues[0]!;
  throw new Error(path.length > 0 ? `${path.join('.')}: ${message}` : 'it is no JSON object');
}
