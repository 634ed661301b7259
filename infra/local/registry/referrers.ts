/** `GET /v2/<name>/referrers/<digest>`: signatures, attestations and other artifacts about a manifest. */
import { type Answer, answerJson } from './answer.ts';
import { requireDigest } from './digest.ts';
import { type Content, type EndpointRequest, refuseMethod } from './endpoint.ts';
import { IMAGE_INDEX } from './manifest.ts';

/** A repository or digest that nobody refers to has an empty list, as the specification says. */
export function answerReferrers(
  content: Content,
  name: string,
  digest: string,
  request: EndpointRequest,
): Answer {
  if (request.method !== 'GET' && request.method !== 'HEAD') refuseMethod(request, 'GET, HEAD');
  requireDigest(digest);
  const wanted = request.query.get('artifactType');
  const all = content.journal.catalog.repository(name)?.manifests.values() ?? [];
  const manifests = [];
  for (const { referrer, ...descriptor } of all) {
    if (referrer?.subject !== digest || (wanted !== null && referrer.artifactType !== wanted)) continue;
    const { subject: _, ...rest } = referrer;
    manifests.push({ ...descriptor, ...rest });
  }
  const index = { schemaVersion: 2, mediaType: IMAGE_INDEX, manifests };
  return answerJson(200, index, {
    'content-type': IMAGE_INDEX,
    ...(wanted === null ? {} : { 'oci-filters-applied': 'artifactType' }),
  });
}
