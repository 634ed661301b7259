/** What every endpoint gets: the request behind its route, and the registry's content. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import type { BlobStore } from './blob-store.ts';
import type { Repository } from './catalog.ts';
import type { CatalogJournal } from './journal.ts';
import { RequestError } from './request-error.ts';

export interface EndpointRequest {
  method: string;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  body: Readable;
}

export interface Content {
  journal: CatalogJournal;
  blobs: BlobStore;
}

/** @throws RequestError `NAME_UNKNOWN` when nothing was ever pushed there */
export function requireRepository(content: Content, name: string): Repository {
  const repository = content.journal.catalog.repository(name);
  if (!repository)
    throw new RequestError(404, 'NAME_UNKNOWN', `repository ${name} is not known to this registry`);
  return repository;
}

export function refuseMethod(request: EndpointRequest, allowed: string): never {
  throw new RequestError(405, 'UNSUPPORTED', `${request.method} is not possible here`, { allow: allowed });
}

/** @param limit bytes. @throws RequestError 413 when the body is longer */
export async function readBody(body: Readable, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += (chunk as Buffer).length;
    if (size > limit) throw new RequestError(413, 'SIZE_INVALID', `more than ${limit} bytes`);
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}
