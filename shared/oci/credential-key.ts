/** Which entry of a pull secret belongs to a repository (IR-KEY-3 to 7, appendix D.2). */
import { matchesGlob } from './glob.ts';
import { apiHost, type ImageName } from './image-name.ts';

/** A key of a pull secret, taken apart. */
interface Place {
  labels: string[];
  port: string;
  /** Path segments; none: every repository of the host. */
  path: string[];
}

const DOCKER_HUB = 'index.docker.io';
const DOCKER_HUB_ALIASES = new Set(['docker.io', 'registry-1.docker.io', 'registry.hub.docker.com']);

/**
 * The keys that match a repository, the most specific first: in reverse lexicographic order of what is left of them
 * after normalisation.
 */
export function matchingKeys(keys: Iterable<string>, image: ImageName): string[] {
  const target = takeApart(normalizeKey(`${apiHost(image)}/${image.repository}`));
  return [...keys]
    .map((key) => ({ key, normal: normalizeKey(key) }))
    .filter(({ normal }) => matches(takeApart(normal), target))
    .sort((a, b) => (a.normal < b.normal ? 1 : a.normal > b.normal ? -1 : 0))
    .map(({ key }) => key);
}

/** Host in lower case with one name for Docker Hub, port, path without an API version. */
function normalizeKey(key: string): string {
  const bare = key.replace(/^https?:\/\//, '');
  const slash = bare.indexOf('/');
  const written = (slash < 0 ? bare : bare.slice(0, slash)).toLowerCase();
  const host = DOCKER_HUB_ALIASES.has(written) ? DOCKER_HUB : written;
  const path = slash < 0 ? '' : bare.slice(slash).replace(/^\/v[12]\//, '/');
  const isVersion = host === DOCKER_HUB && /^\/v[12]$/.test(path);
  return path === '/' || isVersion ? host : host + path;
}

function takeApart(normal: string): Place {
  const [host = '', ...path] = normal.split('/');
  const colon = host.lastIndexOf(':');
  const hasPort = colon > host.lastIndexOf(']');
  return {
    labels: (hasPort ? host.slice(0, colon) : host).split('.'),
    port: hasPort ? host.slice(colon + 1) : '',
    path: path.filter((segment) => segment !== ''),
  };
}

function matches(key: Place, target: Place): boolean {
  return (
    key.port === target.port &&
    key.labels.length === target.labels.length &&
    key.labels.every(
      (label, index) => label === target.labels[index] || matchesGlob(label, target.labels[index]!),
    ) &&
    key.path.every((segment, index) => segment === target.path[index])
  );
}
