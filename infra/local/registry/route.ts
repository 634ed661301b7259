/** The paths of the distribution specification, and the token realm. */
import { RequestError } from './request-error.ts';

export type Route =
  | { to: 'ping' }
  | { to: 'token' }
  | { to: 'tags'; repository: string }
  | { to: 'manifest'; repository: string; reference: string }
  | { to: 'blob'; repository: string; digest: string }
  | { to: 'uploads'; repository: string }
  | { to: 'upload'; repository: string; id: string }
  | { to: 'referrers'; repository: string; digest: string };

const NAME_PART = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const LONGEST_NAME = 255;

/** @throws RequestError `NAME_INVALID` */
export function requireRepositoryName(name: string): string {
  if (name.length > LONGEST_NAME || !name.split('/').every((part) => NAME_PART.test(part))) {
    throw new RequestError(400, 'NAME_INVALID', `invalid repository name '${name}'`);
  }
  return name;
}

/**
 * Which endpoint a path names; undefined when it is none.
 * @param path as the request carries it, without the query
 * @throws RequestError `NAME_INVALID` when the endpoint exists but the repository's name cannot
 */
export function parseRoute(path: string): Route | undefined {
  if (path === '/v2/' || path === '/v2') return { to: 'ping' };
  if (path === '/token') return { to: 'token' };
  if (!path.startsWith('/v2/')) return undefined;
  const parts = path.slice('/v2/'.length).split('/').map(decode);
  // The name may have any number of segments, so paths are read from their end.
  const [third, second, last] = [parts.at(-3), parts.at(-2), parts.at(-1)!];
  const nameBefore = (count: number) => requireRepositoryName(parts.slice(0, -count).join('/'));
  if (third === 'blobs' && second === 'uploads') {
    return last === ''
      ? { to: 'uploads', repository: nameBefore(3) }
      : { to: 'upload', repository: nameBefore(3), id: last };
  }
  if (second === 'blobs' && last === 'uploads') return { to: 'uploads', repository: nameBefore(2) };
  if (second === 'tags' && last === 'list') return { to: 'tags', repository: nameBefore(2) };
  if (second === 'manifests') return { to: 'manifest', repository: nameBefore(2), reference: last };
  if (second === 'blobs') return { to: 'blob', repository: nameBefore(2), digest: last };
  if (second === 'referrers') return { to: 'referrers', repository: nameBefore(2), digest: last };
  return undefined;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
