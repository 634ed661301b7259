/** `/v2/<name>/blobs/<digest>`: whole, or a range of it. */
import type { Answer } from './answer.ts';
import { requireDigest } from './digest.ts';
import { type Content, type EndpointRequest, refuseMethod, requireRepository } from './endpoint.ts';
import { RequestError } from './request-error.ts';

export async function answerBlob(
  content: Content,
  name: string,
  digest: string,
  request: EndpointRequest,
): Promise<Answer> {
  const repository = requireRepository(content, name);
  const size = repository.blobs.has(requireDigest(digest)) ? await content.blobs.size(digest) : undefined;
  if (size === undefined) throw new RequestError(404, 'BLOB_UNKNOWN', `${name} has no blob ${digest}`);
  switch (request.method) {
    case 'GET':
    case 'HEAD':
      return blobAnswer(content, digest, size, request.headers.range);
    case 'DELETE':
      // Other repositories may share the content: only this repository forgets it.
      await content.journal.commit([{ change: 'blob-gone', repository: name, digest }]);
      return { status: 202, headers: {} };
    default:
      return refuseMethod(request, 'GET, HEAD, DELETE');
  }
}

function blobAnswer(content: Content, digest: string, size: number, header: string | undefined): Answer {
  const headers = {
    'content-type': 'application/octet-stream',
    'docker-content-digest': digest,
    'accept-ranges': 'bytes',
  };
  const range = header === undefined ? undefined : parseRange(header, size);
  const [start, end] = range ?? [0, size - 1];
  const length = { 'content-length': String(end - start + 1) };
  if (size === 0) return { status: 200, headers: { ...headers, ...length } };
  const body = content.blobs.stream(digest, start, end);
  if (!range) return { status: 200, headers: { ...headers, ...length }, body };
  return {
    status: 206,
    headers: { ...headers, ...length, 'content-range': `bytes ${start}-${end}/${size}` },
    body,
  };
}

/**
 * First and last byte of `bytes=a-b`, `bytes=a-` and `bytes=-n`; undefined (serve all of it) for other forms.
 * @throws RequestError 416 when the range lies behind the content
 */
function parseRange(header: string, size: number): [number, number] | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header.trim());
  if (!match || (match[1] === '' && match[2] === '')) return undefined;
  const [first, last] = [match[1]!, match[2]!];
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (start > end) {
    throw new RequestError(416, 'SIZE_INVALID', 'range not satisfiable', {
      'content-range': `bytes */${size}`,
    });
  }
  return [start, end];
}
