/** What the tests of this folder share: a server that does what a test says, a clock that does not wait, an access. */
import { once } from 'node:events';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { SecretData, SecretReader } from '../kube/secret-reader.ts';
import type { Clock } from '../runtime/clock.ts';
import { type AccessRequest, type AccessSpec, type RegistryAccess, resolveRegistryAccess } from './access.ts';
import { parseImageName } from './image-name.ts';
import { RegistryMemory } from './memory.ts';
import { openRegistry, type Registry, type RegistryOptions } from './registry.ts';

export interface Recorded {
  method: string;
  url: string;
  authorization: string | undefined;
  headers: http.IncomingHttpHeaders;
  body: string;
}

export interface TestServer {
  port: number;
  /** `127.0.0.1:PORT`. */
  host: string;
  url: string;
  requests: Recorded[];
  /** Connections that were made to it. */
  connections: number;
  close(): Promise<void>;
}

export type Handle = (request: Recorded, response: ServerResponse, raw: IncomingMessage) => void;

export interface TlsOptions {
  cert: string;
  key: string;
  ca?: string;
  requestCert?: boolean;
  rejectUnauthorized?: boolean;
}

/** Starts a server on 127.0.0.1; https when it gets a certificate. */
export async function startServer(handle: Handle, tls?: TlsOptions, port = 0): Promise<TestServer> {
  const requests: Recorded[] = [];
  const listener = async (raw: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    for await (const chunk of raw) chunks.push(chunk as Buffer);
    const { method = '', url = '', headers } = raw;
    const body = Buffer.concat(chunks).toString();
    const request = { method, url, headers, authorization: headers.authorization, body };
    requests.push(request);
    handle(request, response, raw);
  };
  const server = tls ? https.createServer(tls, listener) : http.createServer(listener);
  const sockets = new Set<Socket>();
  const result = { requests, connections: 0 };
  server.on('connection', (socket: Socket) => {
    result.connections++;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address() as AddressInfo;
  return Object.assign(result, {
    port: address.port,
    host: `127.0.0.1:${address.port}`,
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${address.port}`,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  });
}

export function sendJson(
  response: ServerResponse,
  body: unknown,
  { status = 200, headers = {} }: { status?: number; headers?: Record<string, string> } = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
}

/** Answers as registries do: `GET /v2/` with 200, tag lists in pages through `Link`, everything else with 404. */
export function servePages(tags: string[], link = (next: string) => `<${next}>; rel="next"`): Handle {
  return (request, response) => {
    const url = new URL(request.url, 'http://registry');
    if (url.pathname === '/v2/') return sendJson(response, {});
    if (!url.pathname.endsWith('/tags/list')) return sendJson(response, {}, { status: 404 });
    const size = Number(url.searchParams.get('n') ?? tags.length);
    const last = url.searchParams.get('last');
    const start = last === null ? 0 : tags.indexOf(last) + 1;
    const page = tags.slice(start, start + size);
    const more = start + size < tags.length;
    const next = `${url.pathname}?last=${page.at(-1)}&n=${size}`;
    sendJson(response, { name: 'x', tags: page }, { headers: more ? { link: link(next) } : {} });
  };
}

/** Pauses of seconds pass at once and are written down; shorter ones take their time, longer ones never end. */
export class QuickClock implements Clock {
  readonly pauses: number[] = [];
  #ahead = 0;

  now(): number {
    return Date.now() + this.#ahead;
  }

  after(ms: number, callback: () => void): () => void {
    if (ms >= 30_000) return () => {};
    if (ms < 1000) {
      const timer = setTimeout(callback, ms);
      return () => clearTimeout(timer);
    }
    this.pauses.push(ms);
    this.#ahead += ms;
    const turn = setImmediate(callback);
    return () => clearImmediate(turn);
  }

  /** Lets time pass. */
  advance(ms: number): void {
    this.#ahead += ms;
  }
}

export const SETTINGS: AccessRequest['settings'] & RegistryOptions['settings'] = {
  'max-tags': 1_000_000,
  'allow-private-addresses': true,
  'allow-loopback-addresses': true,
  'aws-autologin-for-ecr': false,
  'feature-gates': {},
  'default-service-account': '',
  'token-cache-max-size': 100,
  'token-cache-max-duration': 3_600_000,
};

export interface TestSecret {
  type?: string;
  data: Record<string, string>;
}

/** Reads from what a test holds instead of a cluster. */
export function readerOf(
  secrets: Record<string, TestSecret>,
  accounts: Record<string, { annotations?: Record<string, string>; imagePullSecrets?: string[] }> = {},
): SecretReader {
  return {
    async secret(name): Promise<SecretData> {
      const secret = secrets[name];
      if (!secret) throw new Error(`secret 'apps/${name}' not found`);
      const data = Object.fromEntries(
        Object.entries(secret.data).map(([key, value]) => [key, Buffer.from(value)]),
      );
      return { namespace: 'apps', name, type: secret.type ?? 'Opaque', data };
    },
    async serviceAccount(name) {
      const account = accounts[name];
      if (!account) throw new Error(`serviceaccount 'apps/${name}' not found`);
      const { annotations = {}, imagePullSecrets = [] } = account;
      return { namespace: 'apps', name, annotations, imagePullSecrets };
    },
  };
}

/** A pull secret with one entry. */
export function pullSecret(key: string, entry: Record<string, string>): TestSecret {
  const content = JSON.stringify({ auths: { [key]: entry } });
  return { type: 'kubernetes.io/dockerconfigjson', data: { '.dockerconfigjson': content } };
}

export function accessTo(
  image: string,
  spec: AccessSpec = {},
  secrets: Record<string, TestSecret> = {},
  more: Partial<AccessRequest> = {},
): Promise<RegistryAccess> {
  const request = { image: parseImageName(image), namespace: 'apps', spec, reader: readerOf(secrets) };
  const defaults = { settings: SETTINGS, clock: new QuickClock(), proxies: () => undefined };
  return resolveRegistryAccess({ ...request, ...defaults, ...more }, AbortSignal.timeout(10_000));
}

export interface Opened {
  registry: Registry;
  clock: QuickClock;
  memory: RegistryMemory;
}

/** A registry for `image` as an object with this spec sees it. */
export async function openTest(
  image: string,
  options: {
    spec?: AccessSpec;
    secrets?: Record<string, TestSecret>;
    access?: Partial<AccessRequest>;
  } & Partial<Omit<RegistryOptions, 'clock'>> & { clock?: QuickClock } = {},
): Promise<Opened> {
  const { spec, secrets, access, clock = new QuickClock(), memory = new RegistryMemory(), ...rest } = options;
  const resolved = await accessTo(image, spec, secrets, access);
  const registry = openRegistry(parseImageName(image), resolved, {
    settings: SETTINGS,
    clock,
    memory,
    ...rest,
  });
  return { registry, clock, memory };
}

/** Long enough for everything that works. */
export function soon(): AbortSignal {
  return AbortSignal.timeout(20_000);
}
