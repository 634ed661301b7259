/** Image names (spec 4, appendix D.1). */
import { isIPv6 } from 'node:net';

export interface ImageName {
  /** The full name, e.g. `docker.io/library/alpine`. */
  canonical: string;
  /** Registry host with its port, as written; `docker.io` for Docker Hub. */
  host: string;
  /** Path below the host, e.g. `library/alpine`. */
  repository: string;
}

/** `spec.image` is not the name of an image repository: reason `ImageURLInvalid`. */
export class ImageNameError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ImageNameError';
  }
}

const DOCKER_HUB = 'docker.io';
const DOCKER_HUB_API = 'index.docker.io';
const LONGEST_PATH = 255;

const HOST_NAME = /^[A-Za-z0-9._-]+$/;
const PORT = /^[0-9]{1,5}$/;
const PATH_CHARACTERS = /^[a-z0-9_./-]+$/;
const TAG = /^\w[\w.-]{0,127}$/;
const DIGEST = /^[a-z0-9]+(?:[+._-][a-z0-9]+)*:[0-9a-fA-F]{32,}$/;

/**
 * Reads `spec.image` and writes out what it implies (IR-NAM-1 to 8).
 * @throws ImageNameError with the texts of spec 4.2
 */
export function parseImageName(image: string): ImageName {
  const schemeEnd = image.indexOf('://');
  if (schemeEnd >= 0) {
    const scheme = image.slice(0, schemeEnd + 3);
    throw new ImageNameError(`image '${image}' should not include URL scheme; remove '${scheme}'`);
  }
  const slash = image.indexOf('/');
  const first = slash < 0 ? '' : image.slice(0, slash);
  const hasHost = first.includes('.') || first.includes(':') || first === 'localhost';
  const rest = hasHost ? image.slice(slash + 1) : image;
  const path = rest.split(/[:@]/, 1)[0]!;
  if ((hasHost && !isHost(first)) || !isPath(path)) throw unparsable(image);
  if (path !== rest) refuseReference(image, rest.slice(path.length));

  const onHub = !hasHost || first === DOCKER_HUB || first === DOCKER_HUB_API;
  const host = onHub ? DOCKER_HUB : first;
  const repository = onHub && !path.includes('/') ? `library/${path}` : path;
  if (repository.length > LONGEST_PATH) throw unparsable(image);
  return { canonical: `${host}/${repository}`, host, repository };
}

/** Whether two canonical names mean the same repository: the original writes `index.docker.io/…` (IR-NAM-8). */
export function sameCanonicalName(a: string, b: string): boolean {
  return withOurHubHost(a) === withOurHubHost(b);
}

/** The host that requests go to: Docker Hub answers as `index.docker.io`. */
export function apiHost(name: ImageName): string {
  return name.host === DOCKER_HUB ? DOCKER_HUB_API : name.host;
}

const PRIVATE_IPV4 = /^(?:10\.\d+\.\d+\.\d+|172\.(?:1[6-9]|2\d|3[01])\.\d+\.\d+|192\.168\.\d+\.\d+)$/;

/**
 * Whether plain http may be tried when https does not answer (IR-NAM-9).
 * @param host with its port; @param insecure `spec.insecure`
 */
export function isHttpCapable(host: string, insecure: boolean): boolean {
  if (insecure) return true;
  const { name, port } = splitPort(host);
  if (PRIVATE_IPV4.test(name) || name.includes('127.0.0.1') || name.includes('::1')) return true;
  return (name === 'localhost' && port !== undefined) || name.endsWith('.localhost');
}

function withOurHubHost(name: string): string {
  return name.startsWith(`${DOCKER_HUB_API}/`) ? DOCKER_HUB + name.slice(DOCKER_HUB_API.length) : name;
}

/** `[::1]:5000` has the name `::1` and the port `5000`. */
function splitPort(host: string): { name: string; port: string | undefined } {
  const bracket = host.lastIndexOf(']');
  const colon = host.indexOf(':', bracket + 1);
  const name = colon < 0 ? host : host.slice(0, colon);
  return {
    name: bracket < 0 ? name : name.slice(1, bracket),
    port: colon < 0 ? undefined : host.slice(colon + 1),
  };
}

function isHost(host: string): boolean {
  const { name, port } = splitPort(host);
  if (port !== undefined && !(PORT.test(port) && Number(port) <= 65_535)) return false;
  if (host.startsWith('[')) return isIPv6(name) && !name.includes('%');
  return HOST_NAME.test(name) && URL.canParse(`https://${host}/`);
}

/** IR-NAM-4 and 7; the length is checked once the name is complete. */
function isPath(path: string): boolean {
  if (!PATH_CHARACTERS.test(path)) return false;
  return path.split('/').every((segment) => segment !== '' && segment !== '.' && segment !== '..');
}

/** @param reference what follows the path: `:<tag>`, `@<digest>` or both, or something else */
function refuseReference(image: string, reference: string): never {
  const at = reference.indexOf('@');
  const tag = reference.startsWith(':') ? reference.slice(1, at < 0 ? undefined : at) : undefined;
  const digest = at < 0 ? undefined : reference.slice(at + 1);
  const parsable = (tag === undefined || TAG.test(tag)) && (digest === undefined || DIGEST.test(digest));
  if (!parsable) throw unparsable(image);
  if (tag !== undefined) {
    throw new ImageNameError(`image '${image}' should not include a tag; remove ':${tag}'`);
  }
  throw new ImageNameError(`image '${image}' should not include a digest; remove '@${digest}'`);
}

function unparsable(image: string): ImageNameError {
  return new ImageNameError(`could not parse reference: ${image}`);
}
