/** What the registry reads out of a manifest: which content it needs, and what it refers to. */
import * as z from 'zod';
import type { ManifestRecord, Repository } from './catalog.ts';
import { isDigest } from './digest.ts';
import { RequestError } from './request-error.ts';

export const IMAGE_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
export const IMAGE_INDEX = 'application/vnd.oci.image.index.v1+json';

export const Descriptor = z.object({
  mediaType: z.string(),
  digest: z.string().refine(isDigest, 'expected a digest'),
  size: z.int().min(0),
  urls: z.array(z.string()).optional(),
});

/** The members that the registry looks at; all others are stored as they came. */
const Manifest = z.object({
  mediaType: z.string().optional(),
  artifactType: z.string().optional(),
  config: Descriptor.optional(),
  layers: z.array(Descriptor).optional(),
  manifests: z.array(Descriptor).optional(),
  subject: Descriptor.optional(),
  annotations: z.record(z.string(), z.string()).optional(),
});

/**
 * Looks at a manifest that is being pushed.
 * @param contentType of the request; a manifest's own `mediaType` must agree with it
 * @throws RequestError `MANIFEST_INVALID`, or `MANIFEST_BLOB_UNKNOWN` when something it needs was not pushed before
 */
export function readManifest(
  bytes: Buffer,
  digest: string,
  contentType: string | undefined,
  repository: Repository | undefined,
): ManifestRecord {
  const parsed = Manifest.safeParse(parseJson(bytes));
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!;
    throw new RequestError(400, 'MANIFEST_INVALID', `${path.join('.') || 'manifest'}: ${message}`);
  }
  const { config, layers = [], manifests = [], subject, annotations, ...rest } = parsed.data;
  const mediaType = contentType ?? rest.mediaType ?? IMAGE_MANIFEST;
  if (rest.mediaType !== undefined && rest.mediaType !== mediaType) {
    const difference = `mediaType is ${rest.mediaType}, Content-Type is ${mediaType}`;
    throw new RequestError(400, 'MANIFEST_INVALID', difference);
  }
  const blobs = [...(config ? [config] : []), ...layers.filter((layer) => !layer.urls?.length)];
  for (const blob of blobs) requireContent(repository?.blobs.has(blob.digest), blob.digest);
  for (const child of manifests) requireContent(repository?.manifests.has(child.digest), child.digest);
  const record: ManifestRecord = { digest, mediaType, size: bytes.length };
  if (subject) {
    const artifactType = rest.artifactType ?? config?.mediaType;
    record.referrer = {
      subject: subject.digest,
      ...(artifactType ? { artifactType } : {}),
      ...(annotations ? { annotations } : {}),
    };
  }
  return record;
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch (error) {
    throw new RequestError(400, 'MANIFEST_INVALID', `not JSON: ${(error as Error).message}`);
  }
}

function requireContent(there: boolean | undefined, digest: string): void {
  if (!there)
    throw new RequestError(404, 'MANIFEST_BLOB_UNKNOWN', `${digest} was not pushed to this repository`);
}
