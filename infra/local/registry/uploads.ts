/** `/v2/<name>/blobs/uploads/`: in one request, in two, in chunks, or mounted from another repository. */
import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { Answer } from './answer.ts';
import type { BlobWriter } from './blob-store.ts';
import { requireDigest } from './digest.ts';
import { type Content, type EndpointRequest, refuseMethod } from './endpoint.ts';
import { RequestError } from './request-error.ts';

interface Upload {
  repository: string;
  writer: BlobWriter;
}

export class Uploads {
  readonly #content: Content;
  readonly #open = new Map<string, Upload>();

  constructor(content: Content) {
    this.#content = content;
  }

  /** @param mayPullFrom whether the caller may read the repository that a mount names */
  async answerStart(
    name: string,
    request: EndpointRequest,
    mayPullFrom: (repository: string) => boolean,
  ): Promise<Answer> {
    if (request.method !== 'POST') refuseMethod(request, 'POST');
    const [mount, from, digest] = ['mount', 'from', 'digest'].map((key) => request.query.get(key));
    if (
      mount &&
      from &&
      mayPullFrom(from) &&
      this.#content.journal.catalog.repository(from)?.blobs.has(mount)
    ) {
      return this.#created(name, mount);
    }
    const id = randomUUID();
    const upload = { repository: name, writer: await this.#content.blobs.receive(id) };
    if (digest) {
      await this.#receive(upload, request.body);
      return this.#finish(upload, digest);
    }
    this.#open.set(id, upload);
    return progress(202, name, id, upload);
  }

  async answerUpload(name: string, id: string, request: EndpointRequest): Promise<Answer> {
    const upload = this.#open.get(id);
    if (upload?.repository !== name) throw new RequestError(404, 'BLOB_UPLOAD_UNKNOWN', `no upload ${id}`);
    switch (request.method) {
      case 'GET':
        return progress(204, name, id, upload);
      case 'PATCH':
        requireNextChunk(upload, request.headers['content-range']);
        await this.#receive(upload, request.body);
        return progress(202, name, id, upload);
      case 'PUT': {
        const digest = requireDigest(request.query.get('digest') ?? '');
        requireNextChunk(upload, request.headers['content-range']);
        await this.#receive(upload, request.body);
        this.#open.delete(id);
        return this.#finish(upload, digest);
      }
      case 'DELETE':
        this.#open.delete(id);
        await upload.writer.abort();
        return { status: 204, headers: {} };
      default:
        return refuseMethod(request, 'GET, PATCH, PUT, DELETE');
    }
  }

  /** Forgets what was not finished. */
  async close(): Promise<void> {
    for (const { writer } of this.#open.values()) await writer.abort();
    this.#open.clear();
  }

  async #receive(upload: Upload, body: Readable): Promise<void> {
    for await (const chunk of body) await upload.writer.write(chunk as Buffer);
  }

  async #finish(upload: Upload, digest: string): Promise<Answer> {
    await upload.writer.finish(requireDigest(digest));
    return this.#created(upload.repository, digest);
  }

  async #created(name: string, digest: string): Promise<Answer> {
    await this.#content.journal.commit([{ change: 'blob', repository: name, digest }]);
    return {
      status: 201,
      headers: { location: `/v2/${name}/blobs/${digest}`, 'docker-content-digest': digest },
    };
  }
}

function progress(status: number, name: string, id: string, { writer }: Upload): Answer {
  return {
    status,
    headers: {
      location: `/v2/${name}/blobs/uploads/${id}`,
      range: `0-${Math.max(0, writer.size - 1)}`,
      'docker-upload-uuid': id,
    },
  };
}

/** A chunk that says where it belongs must follow what is there. */
function requireNextChunk({ writer }: Upload, contentRange: string | undefined): void {
  const start = /^(?:bytes )?(\d+)-\d+/.exec(contentRange ?? '')?.[1];
  if (start !== undefined && Number(start) !== writer.size) {
    const range = `0-${Math.max(0, writer.size - 1)}`;
    throw new RequestError(416, 'BLOB_UPLOAD_INVALID', `the next chunk starts at ${writer.size}`, { range });
  }
}
