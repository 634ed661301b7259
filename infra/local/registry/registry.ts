/**
 * An OCI registry of our own: for `npm start`, and for tests that need what a real one cannot be asked to do (429
 * with `Retry-After`, referrers, faults on demand). It follows the distribution specification 1.1.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { type Clock, systemClock } from '../../../shared/runtime/clock.ts';
import { type Listener, type ListenerOptions, openListener } from '../listener.ts';
import { Authority, type RegistryAuth } from './auth.ts';
import { createFolderBlobs, createMemoryBlobs } from './blob-store.ts';
import type { Content } from './endpoint.ts';
import { Endpoints } from './endpoints.ts';
import { type FaultRule, Faults, replacedAnswer } from './faults.ts';
import type { ImageContent } from './image.ts';
import { openFileJournal, openMemoryJournal } from './journal.ts';
import { type PushedManifest, pushImage, pushManifest } from './push.ts';
import { RequestLog } from './request-log.ts';
import { sendAnswer } from './send.ts';
import type { Paging } from './tags.ts';

export interface RegistryOptions extends ListenerOptions {
  /** Left out: everybody may do everything. */
  auth?: RegistryAuth;
  faults?: FaultRule[];
  /** Where content is kept over a restart; left out: in memory. */
  dataFolder?: string;
  paging?: Omit<Paging, 'absolute'> & { absolute?: boolean };
  /** Whether the referrers API exists; true when left out. */
  referrers?: boolean;
  clock?: Clock;
}

/** Its `host` is what stands before the repository in an image name. */
export interface LocalRegistry extends Omit<Listener, 'serve'> {
  readonly faults: Faults;
  readonly requests: RequestLog;
  /**
   * Stores an image under one tag or many (10,000 take a few milliseconds), without a request and without a check of
   * credentials. No tag at all: reachable by its digest.
   */
  push(repository: string, tags: string | readonly string[], image?: ImageContent): Promise<PushedManifest>;
  /** Stores any bytes as a manifest: an index, or one that no client would push. */
  pushManifest(
    repository: string,
    tags: string | readonly string[],
    manifest: { mediaType: string; bytes: Buffer },
  ): Promise<PushedManifest>;
  /** Tags in byte order; empty for a repository that is not known. */
  tags(repository: string): readonly string[];
  deleteTag(repository: string, tag: string): Promise<void>;
  /** Refuses every bearer token that was issued so far. */
  revokeTokens(): void;
  close(): Promise<void>;
}

/**
 * Starts a registry.
 * @throws the error of `listen`, such as `EADDRINUSE`; errors of the data folder
 */
export async function startRegistry(options: RegistryOptions): Promise<LocalRegistry> {
  // The port comes first: two processes that share a data folder must not both open it.
  const listener = await openListener(options);
  const content = await openContent(options.dataFolder).catch(async (error) => {
    await listener.close();
    throw error;
  });
  const { url } = listener;
  const authority = options.auth && new Authority(options.auth, url, options.clock ?? systemClock);
  const endpoints = new Endpoints(content, authority, {
    paging: { ...options.paging, absolute: options.paging?.absolute ? url : undefined },
    referrers: options.referrers ?? true,
  });
  const faults = new Faults(options.faults);
  const requests = new RequestLog();
  const closing = new AbortController();
  listener.serve((request, response) => {
    void serve(request, response, { endpoints, faults, requests, signal: closing.signal });
  });
  return {
    ...listener,
    faults,
    requests,
    push: (repository, tags, image = {}) => pushImage(content, repository, tags, image),
    pushManifest: (repository, tags, manifest) => pushManifest(content, repository, tags, manifest),
    tags: (repository) => content.journal.catalog.repository(repository)?.tagNames() ?? [],
    deleteTag: (repository, tag) => content.journal.commit([{ change: 'tag-gone', repository, tag }]),
    revokeTokens: () => authority?.revokeTokens(),
    async close() {
      closing.abort();
      await listener.close();
      await endpoints.close();
      await content.journal.close();
    },
  };
}

async function openContent(folder: string | undefined): Promise<Content> {
  if (folder === undefined) return { journal: openMemoryJournal(), blobs: createMemoryBlobs() };
  const blobs = await createFolderBlobs(join(folder, 'blobs'));
  return { journal: await openFileJournal(join(folder, 'catalog.jsonl')), blobs };
}

interface Service {
  endpoints: Endpoints;
  faults: Faults;
  requests: RequestLog;
  /** Aborts when the registry closes. */
  signal: AbortSignal;
}

/** One request, from its path to the last byte of its answer. Never rejects. */
async function serve(request: IncomingMessage, response: ServerResponse, service: Service): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const signal = AbortSignal.any([service.signal, gone.signal]);
  const { method = 'GET', url = '/' } = request;
  const mark = url.indexOf('?');
  const [path, query] = mark < 0 ? [url, ''] : [url.slice(0, mark), url.slice(mark)];
  const fault = service.faults.match(method, path, query);
  const record = service.requests.add({
    method,
    path,
    query,
    status: 0,
    user: undefined,
    userAgent: request.headers['user-agent'],
  });
  try {
    const replaced = fault && (await replacedAnswer(fault, signal));
    const { answer, user } = replaced
      ? { answer: replaced, user: undefined }
      : await service.endpoints.answer(request, path, query);
    record.user = user;
    if (!fault?.reset) record.status = answer.status;
    if (!request.complete) request.resume();
    answer.headers = { 'docker-distribution-api-version': 'registry/2.0', ...answer.headers };
    await sendAnswer(response, answer, { head: method === 'HEAD', fault }, signal);
  } catch {
    // The client has gone, or the registry closes: there is nobody left to tell.
    response.destroy();
  }
}
