/** Makes the content of an image or artifact, for `LocalRegistry.push`. */
import { sha256Of } from './digest.ts';
import { IMAGE_MANIFEST } from './manifest.ts';

export interface LayerContent {
  mediaType: string;
  data: Buffer | string;
  annotations?: Record<string, string>;
}

/** What is pushed; everything that is left out gets the smallest valid content. */
export interface ImageContent {
  /** `application/vnd.oci.image.manifest.v1+json` when left out. */
  mediaType?: string;
  artifactType?: string;
  config?: { mediaType: string; data: Buffer | string };
  layers?: LayerContent[];
  subject?: { mediaType: string; digest: string; size: number };
  annotations?: Record<string, string>;
}

const EMPTY_CONFIG = { mediaType: 'application/vnd.oci.image.config.v1+json', data: '{}' };

/** @returns the manifest, and the blobs that it needs by digest */
export function buildImage(image: ImageContent): {
  manifest: { mediaType: string; bytes: Buffer };
  blobs: Map<string, Buffer>;
} {
  const blobs = new Map<string, Buffer>();
  const describe = ({ mediaType, data, annotations }: LayerContent) => {
    const bytes = Buffer.from(data);
    const digest = sha256Of(bytes);
    blobs.set(digest, bytes);
    return { mediaType, digest, size: bytes.length, ...(annotations ? { annotations } : {}) };
  };
  const { mediaType = IMAGE_MANIFEST, artifactType, subject, annotations } = image;
  const manifest = {
    schemaVersion: 2,
    mediaType,
    ...(artifactType ? { artifactType } : {}),
    config: describe(image.config ?? EMPTY_CONFIG),
    layers: (image.layers ?? []).map(describe),
    ...(subject ? { subject } : {}),
    ...(annotations ? { annotations } : {}),
  };
  return { manifest: { mediaType, bytes: Buffer.from(JSON.stringify(manifest)) }, blobs };
}
