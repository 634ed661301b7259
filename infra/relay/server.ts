/**
 * What the relay answers by HTTP: health for the kubelet, metrics for Prometheus. The artifact server (design section 5)
 * will be a further route here.
 */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { messageOf } from '../../shared/runtime/errors.ts';

/** Answers a GET of its path. What it throws ends the connection. */
export type Route = (response: ServerResponse) => void | Promise<void>;

export interface RelayServer {
  /** Ports in use, in the order of the addresses. */
  readonly ports: readonly number[];
  close(): Promise<void>;
}

/** What the server shows of a relay. */
export interface Served {
  /** The watches are live. */
  ready(): boolean;
  /** The exposition format, in pieces. */
  metrics(): AsyncGenerator<string>;
}

/**
 * Serves `/healthz`, `/readyz` and `/metrics`. Addresses are `HOST:PORT` or `:PORT`; equal ones share a server.
 * @throws Error that names the setting when an address cannot be had
 */
export async function startServer(
  served: Served,
  addresses: { health: string; metrics: string },
): Promise<RelayServer> {
  const health: Record<string, Route> = {
    '/healthz': (response) => answer(response, 200, 'ok\n'),
    '/readyz': (response) =>
      served.ready() ? answer(response, 200, 'ok\n') : answer(response, 503, 'the watches are not live\n'),
  };
  const metrics: Record<string, Route> = {
    '/metrics': (response) => {
      response.setHeader('content-type', 'text/plain; version=0.0.4; charset=utf-8');
      return pipeline(served.metrics(), response);
    },
  };
  if (addresses.health === addresses.metrics) {
    return group([await listen({ ...health, ...metrics }, addresses.health, '--health-addr')]);
  }
  const first = await listen(health, addresses.health, '--health-addr');
  try {
    return group([first, await listen(metrics, addresses.metrics, '--metrics-addr')]);
  } catch (error) {
    await first.close();
    throw error;
  }
}

function group(servers: { port: number; close(): Promise<void> }[]): RelayServer {
  return {
    ports: servers.map(({ port }) => port),
    close: async () => {
      await Promise.all(servers.map((server) => server.close()));
    },
  };
}

async function listen(routes: Record<string, Route>, address: string, setting: string) {
  const server = createServer((request, response) => {
    const route = routes[(request.url ?? '/').split('?')[0]!];
    if (request.method !== 'GET') answer(response, 405, 'only GET\n');
    else if (!route) answer(response, 404, `not here; try ${Object.keys(routes).join(', ')}\n`);
    else void run(route, response);
  });
  const { host, port } = splitAddress(address);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(new Error(`${setting}: cannot listen on ${address}: ${messageOf(error)}`)),
    );
    server.listen({ port, host }, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function run(route: Route, response: ServerResponse): Promise<void> {
  try {
    await route(response);
  } catch {
    response.destroy();
  }
}

function answer(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(text);
}

/** No host: every address of the machine. */
function splitAddress(address: string): { host: string | undefined; port: number } {
  const colon = address.lastIndexOf(':');
  const host = address.slice(0, colon).replace(/^\[(.*)\]$/, '$1');
  return { host: host || undefined, port: Number(address.slice(colon + 1)) };
}
