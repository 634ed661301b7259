/** Puts images into the registry from inside the process. */
import { sha256Of } from './digest.ts';
import type { Content } from './endpoint.ts';
import { buildImage, type ImageContent } from './image.ts';
import { readManifest } from './manifest.ts';
import { requireTag } from './manifests.ts';
import { requireRepositoryName } from './route.ts';

export interface PushedManifest {
  mediaType: string;
  digest: string;
  /** Bytes. */
  size: number;
}

export async function pushImage(
  content: Content,
  repository: string,
  tags: string | readonly string[],
  image: ImageContent,
): Promise<PushedManifest> {
  requireRepositoryName(repository);
  const { manifest, blobs } = buildImage(image);
  const known = content.journal.catalog.repository(repository)?.blobs;
  const missing = [...blobs].filter(([digest]) => !known?.has(digest));
  for (const [digest, bytes] of missing) await content.blobs.put(digest, bytes);
  await content.journal.commit(missing.map(([digest]) => ({ change: 'blob', repository, digest })));
  return pushManifest(content, repository, tags, manifest);
}

/** @param manifest bytes that need not be a manifest: what is none is stored without a look into it */
export async function pushManifest(
  content: Content,
  repository: string,
  tags: string | readonly string[],
  manifest: { mediaType: string; bytes: Buffer },
): Promise<PushedManifest> {
  requireRepositoryName(repository);
  const { mediaType, bytes } = manifest;
  const digest = sha256Of(bytes);
  const names = (typeof tags === 'string' ? [tags] : [...tags]).map(requireTag);
  const record = readable(bytes, digest, mediaType, content, repository);
  await content.blobs.put(digest, bytes);
  await content.journal.commit([
    { change: 'manifest', repository, manifest: record },
    ...(names.length > 0 ? [{ change: 'tags', repository, tags: names, digest } as const] : []),
  ]);
  return { mediaType, digest, size: bytes.length };
}

function readable(bytes: Buffer, digest: string, mediaType: string, content: Content, repository: string) {
  try {
    return readManifest(bytes, digest, mediaType, content.journal.catalog.repository(repository));
  } catch {
    return { digest, mediaType, size: bytes.length };
  }
}
