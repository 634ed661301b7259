/**
 * Serves artifacts to whoever asks from inside the cluster (spec 16.3). It holds no state and knows no object: what is
 * stored under the path is the answer, streamed from the store with its exact length. No `Content-Encoding`: a client
 * would unpack the file, and its digest would not fit any more.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { artifactKey, isArtifactPath } from '../../shared/artifact/artifact-path.ts';
import { ARTIFACT_TYPE } from '../../shared/artifact/artifact-store.ts';
import type { Clock } from '../../shared/runtime/clock.ts';
import { messageOf } from '../../shared/runtime/errors.ts';
import type { Logger } from '../../shared/runtime/logger.ts';
import {
  AccessDenied,
  type ObjectInfo,
  type ObjectStore,
  type StoredObject,
} from '../../shared/storage/object-store.ts';
import { type AnswerResult, createArtifactMetrics } from './artifact-metrics.ts';
import { type ArtifactRoute, answer } from './server.ts';

/** A store that has not begun to answer by then is taken for broken: the client asks again. */
const FIRST_BYTE_MS = 20_000;

export interface ArtifactServerOptions {
  store: ObjectStore;
  cluster: string;
  clock: Clock;
  log: Logger;
}

/** The route of everything below `/ocirepository/`: GET and HEAD of files and of `latest.tar.gz`. */
export function createArtifactServer({ store, cluster, clock, log }: ArtifactServerOptions): ArtifactRoute {
  const metrics = createArtifactMetrics();

  /** Nothing there: undefined. @throws StorageError; the reason of the signal */
  async function find(path: string, isHead: boolean, signal: AbortSignal) {
    const key = artifactKey(cluster, path);
    try {
      return await (isHead ? store.head(key, signal) : store.get(key, signal));
    } catch (error) {
      if (!(error instanceof AccessDenied)) throw error;
      // What S3 says of a missing object to whom may not list the bucket. Consumers wait for a 404, not for a 403.
      log.error(`${messageOf(error)}: there is none, or the relay may not read it`);
      return undefined;
    }
  }

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<AnswerResult> {
    const path = pathOf(request);
    if (!isArtifactPath(path)) return refuse(response);
    const waiting = new AbortController();
    const late = () => waiting.abort(new Error(`the store did not answer within ${FIRST_BYTE_MS / 1000} s`));
    const cancel = clock.after(FIRST_BYTE_MS, late);
    response.once('close', () => {
      if (!response.writableFinished) waiting.abort(new Error('the client has gone'));
    });
    let found: ObjectInfo | StoredObject | undefined;
    try {
      found = await find(path, request.method === 'HEAD', waiting.signal);
    } catch (error) {
      if (response.destroyed) return 'broken';
      log.error(`artifact '${path}' cannot be served: ${messageOf(error)}`);
      response.setHeader('retry-after', '5');
      answer(response, 503, 'the artifact cannot be read now\n');
      return 'failed';
    } finally {
      cancel();
    }
    if (response.destroyed && found && isContent(found)) found.stream().destroy();
    if (response.destroyed) return 'broken';
    if (!found) return refuse(response);
    response.writeHead(200, { 'content-type': ARTIFACT_TYPE, 'content-length': found.size });
    if (isContent(found)) return await send(found, path, response);
    response.end();
    return 'sent';
  }

  /** As fast as the client reads, and no faster. A client that leaves closes the store's stream. */
  async function send(
    { size, stream }: StoredObject,
    path: string,
    response: ServerResponse,
  ): Promise<AnswerResult> {
    try {
      await pipeline(stream(), exactly(size, metrics.sent), response);
      return 'sent';
    } catch (error) {
      // The status is sent: a connection that breaks is how the client learns that this is not the file.
      response.destroy();
      if ((error as NodeJS.ErrnoException).code !== 'ERR_STREAM_PREMATURE_CLOSE') {
        log.error(`artifact '${path}' broke off: ${messageOf(error)}`);
      }
      return 'broken';
    }
  }

  return {
    answer: async (request, response) => metrics.answered(await respond(request, response)),
    metrics: () => metrics.text(),
  };
}

function refuse(response: ServerResponse): AnswerResult {
  answer(response, 404, 'no such artifact\n');
  return 'missing';
}

function isContent(found: ObjectInfo | StoredObject): found is StoredObject {
  return 'stream' in found;
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? '').split('?', 1)[0]!.slice(1);
}

/** Passes on so many bytes, neither more nor fewer: what was promised in the head of the answer. */
function exactly(size: number, onBytes: (count: number) => void) {
  return async function* (chunks: Readable): AsyncGenerator<Buffer> {
    let left = size;
    for await (const chunk of chunks as AsyncIterable<Buffer>) {
      left -= chunk.length;
      if (left < 0) break;
      yield chunk;
      onBytes(chunk.length);
    }
    if (left !== 0) throw new Error(`the store gave ${left < 0 ? 'more' : 'fewer'} than ${size} bytes`);
  };
}
