/** Paths of the API: `/api/v1/namespaces/a/secrets/b`, `/apis/<group>/<version>/<plural>/<name>/status`. */
import type { Target } from './target.ts';

/** A path below a group and version, split into what it names. Parts that it does not have are empty. */
export interface ResourcePath extends Omit<Target, 'definition'> {
  group: string;
  plural: string;
}

/** undefined: the path is not below a group and version, or has too many parts. */
export function parseResourcePath(path: string): ResourcePath | undefined {
  const parts = path.split('/');
  if (parts.at(-1) === '') parts.pop();
  const isCore = parts[1] === 'api';
  if (!isCore && parts[1] !== 'apis') return undefined;
  const group = isCore ? '' : (parts[2] ?? '');
  const version = parts[isCore ? 2 : 3] ?? '';
  let rest = parts.slice(isCore ? 3 : 4);
  // The objects of the namespaces resource have no namespace: /namespaces/<name>, and /status below it.
  let namespace = '';
  if (rest[0] === 'namespaces' && rest.length >= 3 && !(rest.length === 3 && rest[2] === 'status')) {
    namespace = decode(rest[1]!);
    rest = rest.slice(2);
  }
  const [plural = '', name = '', subresource = '', ...more] = rest;
  if (plural === '' || more.length > 0) return undefined;
  return { group, version, namespace, plural, name: decode(name), subresource: decode(subresource) };
}

function decode(part: string): string {
  if (!part.includes('%')) return part;
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
