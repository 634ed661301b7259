/**
 * An API server for the tests of the relay, just enough for it: discovery, lists in pages, watches that the test feeds,
 * cuts and stalls. Over a real socket, because what it stands for happens there.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { KubeObject } from '../../shared/kube/resource.ts';

export interface TestWatch {
  query: URLSearchParams;
  path: string;
  accept: string;
  /** Writes an event, or any bytes. */
  send(what: { type: string; object: unknown } | string | Buffer): void;
  /** The server's own end. */
  end(): void;
  /** As a broken network would. */
  cut(): void;
}

export interface TestApi {
  url: string;
  /** What a list answers. */
  objects: KubeObject[];
  resourceVersion: string;
  lists: URLSearchParams[];
  watches: TestWatch[];
  /** Answers the next requests, one each, before anything else: an HTTP status and a body. */
  refusals: { list?: [number, unknown?][]; watch?: [number, unknown?][] };
  /** Paths that are answered with 403. */
  forbidden?: RegExp;
  /** Resolves when the n-th watch, from 1, is there. */
  watch(n: number): Promise<TestWatch>;
  close(): Promise<void>;
}

export async function startTestApi(): Promise<TestApi> {
  const waiting: (() => void)[] = [];
  const api: TestApi = {
    url: '',
    objects: [],
    resourceVersion: '100',
    lists: [],
    watches: [],
    refusals: {},
    async watch(n) {
      while (api.watches.length < n) await new Promise<void>((resolve) => waiting.push(resolve));
      return api.watches[n - 1]!;
    },
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };

  const leases = createLeases();

  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://api');
    const isWatch = url.searchParams.get('watch') === 'true';
    if (url.pathname.startsWith('/apis/coordination.k8s.io/')) return void leases(request, response);
    if (/^\/(api|apis\/[^/]+)\/v1$/.test(url.pathname)) return discover(response);
    if (request.method === 'POST') return mintToken(response);
    if (api.forbidden?.test(url.pathname)) return refuse(response, 403);
    const refusal = (isWatch ? api.refusals.watch : api.refusals.list)?.shift();
    if (!isWatch) api.lists.push(url.searchParams);
    if (refusal) {
      const [status, body = { kind: 'Status', code: refusal[0], message: `refused with ${refusal[0]}` }] =
        refusal;
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    } else if (isWatch) {
      api.watches.push(openWatch(url, request, response));
      for (const wake of waiting.splice(0)) wake();
    } else list(url, response);
  });

  const list = ({ pathname, searchParams: query }: URL, response: ServerResponse) => {
    const namespace = /\/namespaces\/([^/]+)\//.exec(pathname)?.[1];
    const objects = api.objects.filter(
      ({ kind, metadata }) =>
        pathname.endsWith(`/${pluralOf(kind)}`) && (!namespace || metadata.namespace === namespace),
    );
    const limit = Number(query.get('limit') ?? 500);
    const from = Number(query.get('continue') ?? 0);
    const more = from + limit < objects.length;
    const metadata = {
      resourceVersion: api.resourceVersion,
      ...(more && { continue: String(from + limit) }),
    };
    answer(response, { metadata, items: objects.slice(from, from + limit) });
  };

  const discover = (response: ServerResponse) => {
    const plurals = new Set(['imagerepositories', ...api.objects.map(({ kind }) => pluralOf(kind))]);
    answer(response, { resources: [...plurals].map((name) => ({ name, namespaced: true })) });
  };

  const mintToken = (response: ServerResponse) => {
    const expirationTimestamp = new Date(Date.now() + 3_600_000).toISOString();
    answer(response, { status: { token: 'minted', expirationTimestamp } });
  };

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  api.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return api;
}

function refuse(response: ServerResponse, code: number): void {
  response.writeHead(code, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ kind: 'Status', code, message: `refused with ${code}` }));
}

function answer(response: ServerResponse, body: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function pluralOf(kind: string): string {
  return `${kind.toLowerCase().replace(/y$/, 'ie')}s`;
}

function openWatch(url: URL, request: IncomingMessage, response: ServerResponse): TestWatch {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.flushHeaders();
  return {
    query: url.searchParams,
    path: url.pathname,
    accept: request.headers.accept ?? '',
    send: (what) =>
      response.write(typeof what === 'string' || Buffer.isBuffer(what) ? what : `${JSON.stringify(what)}\n`),
    end: () => response.end(),
    cut: () => response.socket?.destroy(),
  };
}

/** One Lease, guarded by its resource version. */
function createLeases() {
  let lease: { metadata: { resourceVersion: string }; spec: object } | undefined;
  return async (request: IncomingMessage, response: ServerResponse) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    const name = request.url!.split('?')[0]!.split('/').at(-1);
    const refuse = (code: number, reason: string) =>
      response.writeHead(code).end(JSON.stringify({ kind: 'Status', code, reason, details: { name } }));
    if (request.method === 'GET') return lease ? answer(response, lease) : refuse(404, 'NotFound');
    const body = JSON.parse(text) as NonNullable<typeof lease>;
    const { resourceVersion } = body.metadata;
    if (lease?.metadata.resourceVersion !== resourceVersion) return refuse(409, 'Conflict');
    const version = String(Number(resourceVersion ?? 0) + 1);
    lease = {
      metadata: { ...lease?.metadata, ...body.metadata, resourceVersion: version },
      spec: { ...lease?.spec, ...body.spec },
    };
    return answer(response, lease);
  };
}

/** An ImageRepository that is Ready and was scanned at `scanTime`. */
export function testObject(name: string, more: Partial<TestFields> = {}): KubeObject {
  const { namespace, uid, version, generation, observed, requested, handled, scanTime, interval } = {
    namespace: 'apps',
    uid: `uid-${name}`,
    version: '1',
    generation: 1,
    observed: 1,
    interval: '5m',
    ...more,
  };
  return {
    apiVersion: 'image.toolkit.fluxcd.io/v1',
    kind: 'ImageRepository',
    metadata: {
      name,
      namespace,
      uid,
      resourceVersion: version,
      generation,
      finalizers: ['finalizers.fluxcd.io'],
      ...(requested && { annotations: { 'reconcile.fluxcd.io/requestedAt': requested } }),
      ...(more.deleting && { deletionTimestamp: '2026-01-01T00:00:00Z' }),
    },
    spec: { image: `registry.test/${name}`, interval, ...(more.suspend && { suspend: true }) },
    status: {
      observedGeneration: observed,
      conditions: [{ type: 'Ready', status: more.ready ?? 'True' }],
      ...(handled && { lastHandledReconcileAt: handled }),
      ...(scanTime && { lastScanResult: { tagCount: 1, scanTime } }),
    },
  };
}

interface TestFields {
  namespace: string;
  uid: string;
  version: string;
  generation: number;
  observed: number;
  requested: string;
  handled: string;
  scanTime: string;
  interval: string;
  suspend: boolean;
  deleting: boolean;
  ready: 'True' | 'False' | 'Unknown';
}
