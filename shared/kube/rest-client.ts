/** The client of `client.ts` over a transport. One request per call, but for what the transport repeats. */
import { type Clock, systemClock } from '../runtime/clock.ts';
import { messageOf } from '../runtime/errors.ts';
import { redact } from '../runtime/redact.ts';
import type { KubeClient, ListPage } from './client.ts';
import { KubeError } from './errors.ts';
import { isPossibleName, type Resource, resourcePath } from './resource.ts';
import { retryAfterMs } from './retry-after.ts';
import type { KubeRequest, KubeResponse, KubeTransport } from './transport.ts';

/** Who writes, in `metadata.managedFields` (decisions 6). */
export const FIELD_MANAGER = 'longshore';

/** A server's text is cut here: one that quotes a whole object helps nobody. */
const LONGEST_TEXT = 2000;

/** The server itself says `Unauthorized` and no more. */
const UNKNOWN_CALLER =
  'it does not know who asks: the token is of another cluster, has run out or was withdrawn, or a clock is wrong';

/** What we read of the `Status` object that the server answers with. */
interface Status {
  kind?: string;
  message?: string;
  reason?: string;
  details?: { name?: string; retryAfterSeconds?: number };
}

/** A client over `transport`, which it does not close. */
export function createKubeClient(transport: KubeTransport, options: { clock?: Clock } = {}): KubeClient {
  const { clock = systemClock } = options;

  /** @throws KubeError for every answer but 2xx with JSON */
  function parse<T>(response: KubeResponse, doing: () => string): T {
    if (response.status < 200 || response.status > 299) throw refusal(response, doing, clock.now());
    try {
      return JSON.parse(response.body.toString()) as T;
    } catch (error) {
      throw new KubeError(`${doing()}: the server's answer is no JSON`, {
        status: response.status,
        cause: error,
      });
    }
  }

  /** @param doing verb, resource and object, for the message */
  async function send(
    request: KubeRequest,
    doing: () => string,
    signal?: AbortSignal,
  ): Promise<KubeResponse> {
    try {
      return await transport.request(request, signal);
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      throw new KubeError(`${doing()}: ${error.message}`, {
        status: error.status,
        reason: error.reason,
        cause: error,
      });
    }
  }

  return {
    async get<T>(...[resource, ref, signal]: Parameters<KubeClient['get']>) {
      if (![ref.name, ref.namespace ?? ref.name].every(isPossibleName)) return undefined;
      const doing = () => describe('get', resource, ref);
      const response = await send({ method: 'GET', path: resourcePath(resource, ref) }, doing, signal);
      // Only a `Status` that names the object says that it is missing. A kind or version that is not served is a 404 as
      // well: nobody may conclude from it that the object was deleted (IR-API-2).
      if (response.status === 404 && statusOf(response)?.details?.name === ref.name) return undefined;
      return parse<T>(response, doing);
    },

    async list<T>(...[resource, options = {}, signal]: Parameters<KubeClient['list']>): Promise<ListPage<T>> {
      const { namespace, accept, ...query } = options;
      const doing = () => describe('list', resource, { namespace });
      const path = resourcePath(resource, { namespace });
      const response = await send({ method: 'GET', path, query, ...(accept && { accept }) }, doing, signal);
      const list = parse<{ metadata: { resourceVersion: string; continue?: string }; items: T[] | null }>(
        response,
        doing,
      );
      return {
        items: list.items ?? [],
        resourceVersion: list.metadata.resourceVersion,
        ...(list.metadata.continue && { continue: list.metadata.continue }),
      };
    },

    async create<T>(...[resource, ref, body, signal]: Parameters<KubeClient['create']>) {
      const doing = () => describe('create', resource, ref);
      const request = { path: resourcePath(resource, ref), query: { fieldManager: FIELD_MANAGER } };
      return parse<T>(
        await send({ ...request, method: 'POST', body: JSON.stringify(body) }, doing, signal),
        doing,
      );
    },

    async patch<T>(...[resource, ref, body, signal]: Parameters<KubeClient['patch']>) {
      const doing = () => describe('patch', resource, ref);
      const request: KubeRequest = {
        method: 'PATCH',
        path: resourcePath(resource, ref),
        query: { fieldManager: FIELD_MANAGER },
        body: JSON.stringify(body),
        contentType: 'application/merge-patch+json',
      };
      return parse<T>(await send(request, doing, signal), doing);
    },

    async delete(resource, ref, options = {}, signal) {
      const doing = () => describe('delete', resource, ref);
      const body = JSON.stringify({
        ...(options.uid && { preconditions: { uid: options.uid } }),
        ...(options.propagationPolicy && { propagationPolicy: options.propagationPolicy }),
      });
      const response = await send(
        { method: 'DELETE', path: resourcePath(resource, ref), body },
        doing,
        signal,
      );
      if (response.status !== 404) parse(response, doing);
    },

    async getPath<T>(...[path, signal]: Parameters<KubeClient['getPath']>) {
      const doing = () => `get ${path}`;
      const response = await send({ method: 'GET', path }, doing, signal);
      return response.status === 404 ? undefined : parse<T>(response, doing);
    },
  };
}

function refusal(response: KubeResponse, doing: () => string, now: number): KubeError {
  const status = statusOf(response);
  const text =
    status?.message || response.body.toString('utf8', 0, LONGEST_TEXT) || `status ${response.status}`;
  const said = redact(messageOf(text)).trim();
  const line = response.status === 401 ? `${said} (${UNKNOWN_CALLER})` : said;
  const seconds = status?.details?.retryAfterSeconds;
  return new KubeError(
    `${doing()}: ${line.length > LONGEST_TEXT ? `${line.slice(0, LONGEST_TEXT)}…` : line}`,
    {
      status: response.status,
      reason: status?.reason,
      retryAfterMs: retryAfterMs(response.headers['retry-after'], now) ?? (seconds && seconds * 1000),
    },
  );
}

function statusOf(response: KubeResponse): Status | undefined {
  try {
    const body: unknown = JSON.parse(response.body.toString());
    return typeof body === 'object' && body !== null ? (body as Status) : undefined;
  } catch {
    return undefined;
  }
}

/** `get imagerepositories apps/podinfo`, `patch imagerepositories/status apps/podinfo`. */
function describe(
  verb: string,
  resource: Resource,
  ref: { namespace?: string; name?: string; subresource?: string },
): string {
  const what = ref.subresource ? `${resource.plural}/${ref.subresource}` : resource.plural;
  const which = [ref.namespace, ref.name].filter(Boolean).join('/');
  return which ? `${verb} ${what} ${which}` : `${verb} ${what}`;
}
