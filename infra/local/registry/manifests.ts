/** `/v2/<name>/manifests/<reference>`: by tag and by digest. */
import type { Answer } from './answer.ts';
import { digestVerifier, isDigest, requireDigest, sha256Of } from './digest.ts';
import { type Content, type EndpointRequest, readBody, refuseMethod, requireRepository } from './endpoint.ts';
import { readManifest } from './manifest.ts';
import { RequestError } from './request-error.ts';

/** What Distribution accepts, and the specification asks for at least. */
const LARGEST_MANIFEST = 4 * 1024 * 1024;
const TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;

export async function answerManifest(
  content: Content,
  name: string,
  reference: string,
  request: EndpointRequest,
): Promise<Answer> {
  switch (request.method) {
    case 'GET':
    case 'HEAD':
      return getManifest(content, name, reference);
    case 'PUT':
      return putManifest(content, name, reference, request);
    case 'DELETE':
      return deleteManifest(content, name, reference);
    default:
      return refuseMethod(request, 'GET, HEAD, PUT, DELETE');
  }
}

async function getManifest(content: Content, name: string, reference: string): Promise<Answer> {
  const record = requireRepository(content, name).manifest(reference);
  if (!record) throw new RequestError(404, 'MANIFEST_UNKNOWN', `${name} has no manifest ${reference}`);
  return {
    status: 200,
    headers: { 'content-type': record.mediaType, 'docker-content-digest': record.digest },
    body: await content.blobs.bytes(record.digest),
  };
}

async function putManifest(
  content: Content,
  name: string,
  reference: string,
  request: EndpointRequest,
): Promise<Answer> {
  const byDigest = reference.includes(':');
  if (!byDigest) requireTag(reference);
  const bytes = await readBody(request.body, LARGEST_MANIFEST);
  const digest = byDigest ? verified(bytes, requireDigest(reference)) : sha256Of(bytes);
  const contentType = request.headers['content-type']?.split(';')[0]?.trim();
  const repository = content.journal.catalog.repository(name);
  const manifest = readManifest(bytes, digest, contentType, repository);
  await content.blobs.put(digest, bytes);
  await content.journal.commit([
    { change: 'manifest', repository: name, manifest },
    ...(byDigest ? [] : [{ change: 'tags', repository: name, tags: [reference], digest } as const]),
  ]);
  return {
    status: 201,
    headers: {
      location: `/v2/${name}/manifests/${digest}`,
      'docker-content-digest': digest,
      ...(manifest.referrer ? { 'oci-subject': manifest.referrer.subject } : {}),
    },
  };
}

/** A tag goes alone; a digest takes its tags along. */
async function deleteManifest(content: Content, name: string, reference: string): Promise<Answer> {
  const repository = requireRepository(content, name);
  const known = isDigest(reference) ? repository.manifests.has(reference) : repository.tags.has(reference);
  if (!known) throw new RequestError(404, 'MANIFEST_UNKNOWN', `${name} has no manifest ${reference}`);
  await content.journal.commit([
    isDigest(reference)
      ? { change: 'manifest-gone', repository: name, digest: reference }
      : { change: 'tag-gone', repository: name, tag: reference },
  ]);
  return { status: 202, headers: {} };
}

/** @throws RequestError `MANIFEST_INVALID` */
export function requireTag(tag: string): string {
  if (!TAG.test(tag)) throw new RequestError(400, 'MANIFEST_INVALID', `invalid tag '${tag}'`);
  return tag;
}

function verified(bytes: Buffer, digest: string): string {
  const { hash, verify } = digestVerifier(digest);
  hash.update(bytes);
  verify();
  return digest;
}
