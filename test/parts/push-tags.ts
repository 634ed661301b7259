/** Pushes to a registry as any client does: over HTTP. */
import { buildImage, type ImageContent } from '../../infra/local/registry/image.ts';

const CONFIG = {
  mediaType: 'application/vnd.oci.image.config.v1+json',
  data: '{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}',
};

/** Puts one empty image under every tag. @param url such as `http://127.0.0.1:5000` */
export function pushTags(url: string, repository: string, tags: string[]): Promise<void> {
  return pushImage(url, repository, tags, { config: CONFIG });
}

/** Puts an image with its blobs under every tag. */
export async function pushImage(
  url: string,
  repository: string,
  tags: string[],
  image: ImageContent,
): Promise<void> {
  const { manifest, blobs } = buildImage(image);
  for (const [digest, body] of blobs) {
    const upload = await created(fetch(`${url}/v2/${repository}/blobs/uploads/`, { method: 'POST' }), 202);
    const blob = new URL(upload.headers.get('location')!, url);
    blob.searchParams.set('digest', digest);
    await created(fetch(blob, { method: 'PUT', body: new Uint8Array(body) }));
  }
  for (const tag of tags) {
    const target = `${url}/v2/${repository}/manifests/${tag}`;
    const headers = { 'content-type': manifest.mediaType };
    await created(fetch(target, { method: 'PUT', headers, body: new Uint8Array(manifest.bytes) }));
  }
}

async function created(request: Promise<Response>, status = 201): Promise<Response> {
  const response = await request;
  if (response.status !== status)
    throw new Error(`${response.url}: ${response.status} ${await response.text()}`);
  return response;
}
