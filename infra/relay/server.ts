/** What the relay answers by HTTP: health for the kubelet, metrics for Prometheus, artifacts for whoever consumes them. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { messageOf } from '../../shared/runtime/errors.ts';
import type { Settings } from '../../shared/runtime/settings.ts';

/** Answers a GET or HEAD of its path. What it throws ends the connection. */
export type Route = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

/** By path; one that ends with a slash answers for everything below it. */
type Routes = Readonly<Record<string, Route>>;

export interface RelayServer {
  readonly healthUrl: string;
  readonly metricsUrl: string;
  /** Where artifacts are; undefined: they are not served. */
  readonly artifactUrl: string | undefined;
  close(): Promise<void>;
}

/** What the server shows. */
export interface Served {
  /** The watches are live. */
  ready(): boolean;
  /** The exposition format, in pieces. */
  metrics(): AsyncIterable<string>;
  /** None: nobody listens on the address of artifacts. */
  artifacts?: ArtifactRoute;
}

export interface ArtifactRoute {
  /** Answers what is below `/ocirepository/`. */
  answer: Route;
  /** What it did so far, in the exposition format. */
  metrics(): Promise<string>;
}

/** `HOST:PORT` or `:PORT`. */
export type ServerAddresses = Pick<Settings, 'health-addr' | 'metrics-addr' | 'storage-addr'>;

/** A connection on which nothing has moved for so long is closed: a client that does not read holds the store's. */
const IDLE_MS = 30_000;

/**
 * Serves `/healthz`, `/readyz`, `/metrics` and the artifacts. Equal addresses share a server. A server does not depend on who leads: a standby answers as well.
 * @throws Error that names the setting when an address cannot be had
 */
export async function startServer(
  { ready, metrics, artifacts }: Served,
  addresses: ServerAddresses,
  idleMs = IDLE_MS,
): Promise<RelayServer> {
  const health: Routes = {
    '/healthz': (_, response) => answer(response, 200, 'ok\n'),
    '/readyz': (_, response) =>
      ready()
        ? answer(response, 200, 'ok\n')
        : answer(response, 503, 'the watches are not live, or the relay stops\n'),
  };
  const figures: Routes = {
    '/metrics': (_, response) => {
      response.setHeader('content-type', 'text/plain; version=0.0.4; charset=utf-8');
      const all = async function* () {
        yield* metrics();
        if (artifacts) yield await artifacts.metrics();
      };
      return pipeline(all(), response);
    },
  };
  const servers = new Map<string, Listening>();
  const close = async () => {
    await Promise.all([...servers.values()].map((server) => server.close()));
  };
  const add = async (routes: Routes, setting: keyof ServerAddresses) => {
    const address = addresses[setting];
    const known = servers.get(address);
    if (known) known.add(routes);
    else servers.set(address, await listen(routes, address, settingsOf(addresses, address), idleMs));
    return servers.get(address)!.url;
  };
  try {
    return {
      healthUrl: await add(health, 'health-addr'),
      metricsUrl: await add(figures, 'metrics-addr'),
      artifactUrl: artifacts && (await add({ '/ocirepository/': artifacts.answer }, 'storage-addr')),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Every flag that names this address: one alone would be moved in vain. */
function settingsOf(addresses: ServerAddresses, address: string): string {
  const settings = ['health-addr', 'metrics-addr', 'storage-addr'] as const;
  return settings
    .filter((setting) => addresses[setting] === address)
    .map((setting) => `--${setting}`)
    .join(', ');
}

/** Ends an exchange with a line for people. */
export function answer(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(text);
}

interface Listening {
  url: string;
  add(routes: Routes): void;
  close(): Promise<void>;
}

async function listen(first: Routes, address: string, settings: string, idleMs: number): Promise<Listening> {
  const routes: Record<string, Route> = { ...first };
  const server = createServer((request, response) => {
    const path = (request.url ?? '/').split('?', 1)[0]!;
    const route = routes[path] ?? routes[path.slice(0, path.indexOf('/', 1) + 1)];
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD');
      answer(response, 405, 'only GET and HEAD\n');
    } else if (!route) answer(response, 404, `not here; try ${Object.keys(routes).join(', ')}\n`);
    else void run(route, request, response);
  });
  server.timeout = idleMs;
  const { host, port } = splitAddress(address);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(new Error(`${settings}: cannot listen on ${address}: ${messageOf(error)}`)),
    );
    server.listen({ port, host }, resolve);
  });
  return {
    url: urlOf(server.address() as AddressInfo),
    add: (more) => void Object.assign(routes, more),
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function run(route: Route, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    await route(request, response);
  } catch {
    response.destroy();
  }
}

/** No host: every address of the machine. */
function splitAddress(address: string): { host: string | undefined; port: number } {
  const colon = address.lastIndexOf(':');
  const host = address.slice(0, colon).replace(/^\[(.*)\]$/, '$1');
  return { host: host || undefined, port: Number(address.slice(colon + 1)) };
}

/** As a process of this machine reaches it. */
function urlOf({ address, family, port }: AddressInfo): string {
  const isAny = address === '::' || address === '0.0.0.0';
  const host = isAny ? '127.0.0.1' : family === 'IPv6' ? `[${address}]` : address;
  return `http://${host}:${port}`;
}
