/** The sockets to one API server: keep-alive, TLS session reuse, proxies. `transport.ts` speaks over them. */
import http from 'node:http';
import https from 'node:https';
import { isIP } from 'node:net';
import { checkServerIdentity, createSecureContext, type SecureContext } from 'node:tls';
import type { ClusterEndpoint } from './transport.ts';

/**
 * Connections for ordinary requests; more wait their turn. A burst of hundreds of objects would otherwise pay for
 * hundreds of TLS handshakes (1-2 ms CPU each) that the server then serves no faster.
 */
const MAX_SOCKETS = 16;

/** Everything `http.request` needs that does not change from request to request. */
export interface Connections {
  /** Scheme, host and port, without path and user info: for messages. */
  readonly origin: string;
  /** Value of the header `host`. */
  readonly host: string;
  /** Path of the server's address, without a slash at its end: Rancher serves clusters below one. */
  readonly basePath: string;
  /** Starts a request; `watch` puts it on a connection of its own, which no limit holds back. */
  start(method: string, path: string, headers: string[], watch: boolean): http.ClientRequest;
  /** Closes what is idle, so that the next request gets a connection that nobody has let go stale. */
  dropIdle(): void;
  close(): void;
}

/**
 * Prepares the connections of an endpoint; nothing is connected yet.
 * @param silenceMs an answer that stays silent for so long emits `timeout`; an idle connection is closed after it
 * @throws Error when address, certificates or proxy cannot be used; never with their content
 */
export async function createConnections(endpoint: ClusterEndpoint, silenceMs: number): Promise<Connections> {
  const url = parseServer(endpoint.server);
  const secure = url.protocol === 'https:';
  const hostname = url.hostname.replace(/^\[|\]$/g, '');
  const [calls, watches] = await createAgents(endpoint.proxyUrl, secure, silenceMs);
  // Behind a proxy Node does not know the address any more, and would compare a certificate for an IP address with
  // 'localhost'. Set on the agents: a check that comes with the request keeps Node from using a connection again.
  if (endpoint.proxyUrl) {
    const check = { checkServerIdentity: identityCheck(endpoint.serverName ?? hostname) };
    for (const agent of [calls, watches]) Object.assign((agent as { options?: object }).options!, check);
  }
  const base: https.RequestOptions = {
    protocol: url.protocol,
    host: hostname,
    port: url.port || (secure ? 443 : 80),
    ...(secure && {
      // Parsed once: handing out PEM texts makes Node parse them for each connection, and join them to a pool key of
      // several KB for each request.
      secureContext: createContext(endpoint),
      servername: endpoint.serverName ?? (isIP(hostname) ? '' : hostname),
      rejectUnauthorized: !endpoint.insecureSkipVerify,
    }),
  };
  const request = secure ? https.request : http.request;
  return {
    origin: url.origin,
    host: url.host,
    basePath: url.pathname.replace(/\/+$/, ''),
    start: (method, path, headers, watch) =>
      request({ ...base, agent: watch ? watches : calls, method, path, headers }),
    dropIdle() {
      for (const sockets of Object.values(calls.freeSockets))
        for (const socket of sockets ?? []) socket.destroy();
    },
    close() {
      calls.destroy();
      watches.destroy();
    },
  };
}

function parseServer(server: string): URL {
  const url = URL.parse(server);
  if (!url || !/^https?:$/.test(url.protocol))
    throw new Error('the address of the API server is no http(s) URL');
  return url;
}

function createContext({ ca, cert, key }: ClusterEndpoint): SecureContext {
  try {
    return createSecureContext({ ca, cert, key, minVersion: 'TLSv1.2' });
  } catch (error) {
    throw new Error(`the certificates for the API server cannot be used: ${(error as Error).message}`);
  }
}

function identityCheck(name: string): typeof checkServerIdentity {
  return (_host, certificate) => checkServerIdentity(name, certificate);
}

/** Two pools: ordinary requests, and watches, which stay open and silent for minutes. */
async function createAgents(
  proxyUrl: string | undefined,
  secure: boolean,
  silenceMs: number,
): Promise<[http.Agent, http.Agent]> {
  const calls = { keepAlive: true, maxSockets: MAX_SOCKETS, timeout: silenceMs } as const;
  const watches = { keepAlive: true } as const;
  if (!proxyUrl) {
    const create = (options: http.AgentOptions) =>
      single(secure ? new https.Agent(options) : new http.Agent(options));
    return [create(calls), create(watches)];
  }
  const proxy = URL.parse(proxyUrl);
  if (proxy?.protocol.startsWith('socks')) {
    const { SocksProxyAgent } = await import('socks-proxy-agent');
    return [single(new SocksProxyAgent(proxy, calls)), single(new SocksProxyAgent(proxy, watches))];
  }
  if (proxy && /^https?:$/.test(proxy.protocol)) {
    const { HttpsProxyAgent } = await import('https-proxy-agent');
    return [single(new HttpsProxyAgent(proxy, calls)), single(new HttpsProxyAgent(proxy, watches))];
  }
  throw new Error('the proxy of the API server must be a URL with http, https or socks5');
}

/** All connections of an agent lead to one server with one identity: no need to compute a pool key per request. */
function single(agent: http.Agent): http.Agent {
  agent.getName = () => 'kube';
  return agent;
}
