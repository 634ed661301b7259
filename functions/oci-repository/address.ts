/** `spec.url` (section 7). */
import { apiHost, type ImageName, parseImageName } from '../../shared/oci/image-name.ts';
import { messageOf, StalledError } from '../../shared/runtime/errors.ts';
import { REASON } from './failures.ts';

const SCHEME = 'oci://';

/**
 * The repository that an address means. One slash at its end is forgiven.
 * @throws StalledError `URLInvalid` with the address and what is wrong with it, e.g. which part has to go
 */
export function parseRepositoryUrl(url: string): ImageName {
  try {
    if (!url.startsWith(SCHEME)) throw new Error(`URL must be in format 'oci://<domain>/<org>/<repo>'`);
    const name = written(url);
    // Otherwise the port would be read as a tag.
    if (/^(localhost|[^/]*\.[^/]*):\d+$/.test(name))
      throw new Error(`there is no repository after '${name}'`);
    return parseImageName(name);
  } catch (error) {
    throw new StalledError(REASON.url, `URL validation failed for '${url}': ${messageOf(error)}`);
  }
}

/** What a person may have overlooked: without a slash, what looks like a host is a repository of Docker Hub. */
export function addressWarning(url: string, name: ImageName): string | undefined {
  const host = written(url);
  if (host.includes('/') || !host.includes('.')) return undefined;
  return `'${url}' names no repository on the host '${host}': it is read as ${referenceName(name)}`;
}

/** Without the scheme, and without a slash behind a repository. */
function written(url: string): string {
  return url.slice(SCHEME.length).replace(/^([^/]+\/.+)\/$/, '$1');
}

/** How messages call a repository, or what is in it: `index.docker.io/library/redis:7`, `ghcr.io/a/b@sha256:…`. */
export function referenceName(name: ImageName, suffix = ''): string {
  return `${apiHost(name)}/${name.repository}${suffix}`;
}
