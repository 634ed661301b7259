/** Pushes to a registry as any client does: over HTTP. */
import { createHash } from 'node:crypto';

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const CONFIG = Buffer.from('{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}');

/** Puts one empty image under every tag. @param url such as `http://127.0.0.1:5000` */
export async function pushTags(url: string, repository: string, tags: string[]): Promise<void> {
  const digest = `sha256:${createHash('sha256').update(CONFIG).digest('hex')}`;
  const upload = await created(fetch(`${url}/v2/${repository}/blobs/uploads/`, { method: 'POST' }), 202);
  const blob = new URL(upload.headers.get('location')!, url);
  blob.searchParams.set('digest', digest);
  await created(fetch(blob, { method: 'PUT', body: CONFIG }));
  const body = JSON.stringify({
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest, size: CONFIG.length },
    layers: [],
  });
  for (const tag of tags) {
    const target = `${url}/v2/${repository}/manifests/${tag}`;
    await created(fetch(target, { method: 'PUT', headers: { 'content-type': MANIFEST }, body }));
  }
}

async function created(request: Promise<Response>, status = 201): Promise<Response> {
  const response = await request;
  if (response.status !== status)
    throw new Error(`${response.url}: ${response.status} ${await response.text()}`);
  return response;
}
