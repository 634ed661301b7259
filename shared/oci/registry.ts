/** The registry client, pull side (spec 6.7, 6.8): what can be asked. `gateway.ts` knows how. */
import type { Readable } from 'node:stream';
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Settings } from '../runtime/settings.ts';
import type { RegistryAccess } from './access.ts';
import { bodyError, discardBody, MANIFEST_LIMIT, readBody, readJson, TAG_PAGE_LIMIT } from './body.ts';
import { digestMismatch, digestOfBytes, isDigest, verifyingStream } from './digest.ts';
import { RegistryError } from './errors.ts';
import { Gateway, type Operation, type RegistryRequest } from './gateway.ts';
import { describe, type HttpAnswer } from './http-exchange.ts';
import type { ImageName } from './image-name.ts';
import { LARGEST_PAGE, processMemory, type RegistryMemory } from './memory.ts';
import { isTag, nextPage, readTags } from './tag-page.ts';
import { USER_AGENT } from './user-agent.ts';

export interface Manifest {
  /** `sha256:<hex>` of the bytes; SHA-512 when it was asked for by such a digest. */
  digest: string;
  mediaType: string;
  /** As the registry sent it: digests are computed over these bytes. */
  bytes: Buffer;
}

export interface Blob {
  /** Length in bytes, where the registry tells it. */
  size: number | undefined;
  /** Ends with an error when the content does not have the digest that was asked for; destroy it when not read to its end. */
  stream: Readable;
}

/** One repository, for one run. Every method throws `RegistryError`. */
export interface Registry {
  /** All tags in the order of the registry, duplicates included; zero tags are a success (IR-REPO-12). */
  listTags(signal: AbortSignal): Promise<{ tags: string[]; pages: number }>;
  /** Digest that a tag (or digest) stands for: of the index, never of one platform (IR-DIG-1). */
  digestOf(reference: string, signal: AbortSignal): Promise<string>;
  manifest(reference: string, signal: AbortSignal): Promise<Manifest>;
  /** Verified while it is read: nobody behind this has to compute the digest of a blob again. */
  blob(digest: string, signal: AbortSignal): Promise<Blob>;
}

export interface RegistryOptions {
  clock: Clock;
  settings: Pick<Settings, 'max-tags' | 'allow-private-addresses' | 'allow-loopback-addresses'>;
  log?: Logger;
  /** Time in milliseconds since 1970 after which waiting for the registry makes no sense (IR-REG-6). */
  deadline?: number;
  /** What is remembered of registries: by default one memory a process. */
  memory?: RegistryMemory;
}

/** Per scan (IR-REG-8). */
const MAX_PAGES = 2000;
/** Smaller and smaller pages for registries that refuse the size (IR-REG-7); 0: without `n`. */
const NEXT_PAGE_SIZE: Record<number, number> = { 1000: 100, 100: 0 };
const REFUSED_SIZE_CODES = ['PAGINATION_NUMBER_INVALID', 'TOO_MANY_TAGS'];

const MANIFEST_TYPES = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.docker.distribution.manifest.v1+prettyjws;q=0.5',
].join(', ');

const JSON_HEADERS = { 'user-agent': USER_AGENT, accept: 'application/json', 'accept-encoding': 'gzip' };
const MANIFEST_HEADERS = { 'user-agent': USER_AGENT, accept: MANIFEST_TYPES, 'accept-encoding': 'identity' };
const BLOB_HEADERS = { 'user-agent': USER_AGENT, accept: '*/*', 'accept-encoding': 'identity' };

/** The registry of `image`, reached as `access` says. Nothing is sent yet. */
export function openRegistry(image: ImageName, access: RegistryAccess, options: RegistryOptions): Registry {
  const { clock, settings, deadline = Number.POSITIVE_INFINITY, memory = processMemory } = options;
  const reach = {
    private: settings['allow-private-addresses'],
    loopback: settings['allow-loopback-addresses'],
  };
  const route = { tls: access.tls, skipVerify: access.skipVerify, proxyFor: access.proxyFor, reach };
  const gateway = new Gateway(image, access, memory, { route, reach, clock }, deadline);
  return new HttpRegistry(image.repository, gateway, settings['max-tags'], options.log);
}

class HttpRegistry implements Registry {
  readonly #base: string;
  readonly #gateway: Gateway;
  readonly #maxTags: number;
  readonly #log: Logger | undefined;

  constructor(repository: string, gateway: Gateway, maxTags: number, log: Logger | undefined) {
    this.#base = `/v2/${repository}`;
    this.#gateway = gateway;
    this.#maxTags = maxTags;
    this.#log = log;
  }

  async listTags(signal: AbortSignal): Promise<{ tags: string[]; pages: number }> {
    const operation = { renewed: false };
    const visited = new Set<string>();
    const tags: string[] = [];
    let ignored = 0;
    let page = await this.#firstPage(operation, signal);
    for (let pages = 1; ; pages++) {
      visited.add(page.path);
      for (const tag of page.tags) if (isTag(tag)) tags.push(tag);
      ignored += page.tags.length;
      if (tags.length > this.#maxTags) throw tooMany(page.answer, `${this.#maxTags} tags (max-tags)`);
      if (page.next === undefined) {
        if (ignored > tags.length)
          this.#log?.info(`left out ${ignored - tags.length} texts that cannot be tags`);
        return { tags, pages };
      }
      if (visited.has(page.next)) {
        throw new RegistryError(
          'redirect',
          `${describe(page.answer)}: the next page is one that was read before (endless loop)`,
        );
      }
      if (pages === MAX_PAGES) throw tooMany(page.answer, `${MAX_PAGES} pages`);
      page = await this.#page(page.next, operation, signal);
    }
  }

  async digestOf(reference: string, signal: AbortSignal): Promise<string> {
    const request = this.#manifestRequest('HEAD', reference);
    try {
      const digest = await this.#gateway.ask(request, readDigestHeader, { renewed: false }, signal);
      if (digest && isDigest(reference) && digest !== reference) {
        throw digestMismatch(`HEAD ${request.path}`, reference, digest);
      }
      if (digest) return digest;
    } catch (error) {
      if (!(error instanceof RegistryError) || (error.status !== 405 && error.status !== 501)) throw error;
    }
    return (await this.manifest(reference, signal)).digest;
  }

  manifest(reference: string, signal: AbortSignal): Promise<Manifest> {
    const read = async (answer: HttpAnswer): Promise<Manifest> => {
      const bytes = await readBody(answer, MANIFEST_LIMIT, 'manifest', signal);
      const expected = isDigest(reference) ? reference : undefined;
      const digest = digestOfBytes(bytes, expected);
      if (expected && digest !== expected) throw digestMismatch(describe(answer), expected, digest);
      return { digest, mediaType: answer.headers['content-type'] ?? '', bytes };
    };
    return this.#gateway.ask(this.#manifestRequest('GET', reference), read, { renewed: false }, signal);
  }

  blob(digest: string, signal: AbortSignal): Promise<Blob> {
    const path = `${this.#base}/blobs/${encodeURIComponent(digest).replace('%3A', ':')}`;
    const request = { method: 'GET', path, headers: BLOB_HEADERS, streaming: true } as const;
    const read = (answer: HttpAnswer): Blob => {
      const stream = verifyingStream(digest, describe(answer));
      answer.stream.on('error', (error) => stream.destroy(bodyError(answer, error, signal)));
      stream.on('close', () => answer.stream.destroy());
      answer.stream.pipe(stream);
      const length = Number(answer.headers['content-length'] ?? Number.NaN);
      return { size: Number.isNaN(length) ? undefined : length, stream };
    };
    return this.#gateway.ask(request, read, { renewed: false }, signal);
  }

  async #firstPage(operation: Operation, signal: AbortSignal): Promise<TagPage> {
    const { session } = this.#gateway;
    for (;;) {
      const size = session.pageSize;
      try {
        return await this.#page(`${this.#base}/tags/list${size > 0 ? `?n=${size}` : ''}`, operation, signal);
      } catch (error) {
        const smaller = NEXT_PAGE_SIZE[size];
        const refused = isRefusedSize(error);
        session.pageSize = (refused ? smaller : undefined) ?? LARGEST_PAGE;
        if (!refused || smaller === undefined) throw error;
      }
    }
  }

  #page(path: string, operation: Operation, signal: AbortSignal): Promise<TagPage> {
    const request = { method: 'GET', path, headers: JSON_HEADERS } as const;
    const read = async (answer: HttpAnswer, requested: URL): Promise<TagPage> => {
      const tags = readTags(await readJson(answer, TAG_PAGE_LIMIT, 'tag page', signal), answer);
      const next = nextPage(joined(answer.headers.link), answer.url, answer);
      // Some registries (registry.k8s.io) only redirect: the next page is known to the one that answered.
      const here = path.startsWith('/') && answer.url.origin === requested.origin;
      return { path, answer, tags, next: next && (here ? next : answer.url.origin + next) };
    };
    return this.#gateway.ask(request, read, operation, signal);
  }

  #manifestRequest(method: 'GET' | 'HEAD', reference: string): RegistryRequest {
    const name = encodeURIComponent(reference).replace('%3A', ':');
    return { method, path: `${this.#base}/manifests/${name}`, headers: MANIFEST_HEADERS };
  }
}

interface TagPage {
  path: string;
  /** For messages. */
  answer: HttpAnswer;
  tags: string[];
  next: string | undefined;
}

async function readDigestHeader(answer: HttpAnswer): Promise<string | undefined> {
  await discardBody(answer);
  const digest = joined(answer.headers['docker-content-digest'])?.trim();
  return digest !== undefined && isDigest(digest) ? digest : undefined;
}

function isRefusedSize(error: unknown): boolean {
  if (!(error instanceof RegistryError)) return false;
  const named = error.codes.some((code) => REFUSED_SIZE_CODES.includes(code));
  return error.status === 400 || (error.status === 422 && named);
}

function tooMany(answer: HttpAnswer, limit: string): RegistryError {
  return new RegistryError(
    'limit',
    `${describe(answer)}: the repository has more than the limit of ${limit}`,
  );
}

function joined(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header.join(', ') : header;
}
