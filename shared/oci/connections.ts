/**
 * Keep-alive connections, kept per process and shared by everything with the same TLS material, proxy and reach: so a
 * scan of a known registry finds a warm socket, and no socket serves what it must not.
 */
import http from 'node:http';
import https from 'node:https';
import type { Duplex } from 'node:stream';
import type tls from 'node:tls';
import { type AddressError, assertHost, guardedLookup, type Reach } from './address-guard.ts';
import { LruMap } from './lru-map.ts';
import type { ProxyChoice, ProxyServer } from './proxy.ts';
import { systemTls, type TlsMaterial } from './tls-material.ts';

/** How an object reaches its registry and everything that the registry sends it to. */
export interface Route {
  tls: TlsMaterial;
  /** `insecure` of OCIRepository without a CA: https certificates are not checked. */
  skipVerify: boolean;
  proxyFor: ProxyChoice;
  /** What the operator allows; a single request may be allowed less. */
  reach: Reach;
}

/** The options of `http.request` that decide where a request goes. */
export interface Destination {
  options: https.RequestOptions;
  /** Added to the headers of the request: what a plain proxy wants to know. */
  headers: Record<string, string>;
  proxied: boolean;
}

/** Event of a request that was given up, for those who are still making a connection for it. */
export const ABANDONED = 'abandoned';

/** For one host; more requests wait. A burst of hundreds of scans would pay for as many TLS handshakes. */
export const MAX_SOCKETS = 32;
/** Servers and load balancers close idle connections after a minute or so; a socket that they closed costs a retry. */
const IDLE_MS = 55_000;
const MAX_AGENTS = 128;

const agents = new LruMap<string, http.Agent>(MAX_AGENTS, closeIdle);

/**
 * Where to send a request for `url`.
 * @param reach what this request may connect to
 * @throws AddressError when the host is a literal address out of reach; later, from the socket, for names
 */
export async function destinationOf(url: URL, route: Route, reach: Reach): Promise<Destination> {
  const proxy = route.proxyFor(url);
  const secure = url.protocol === 'https:';
  const target = {
    protocol: url.protocol,
    host: bareHost(url),
    port: url.port || (secure ? 443 : 80),
    path: url.pathname + url.search,
  };
  if (!proxy) {
    const agent = agentOf(`${secure ? 'tls' : 'tcp'} ${keyOf(route, reach)}`, () =>
      createAgent(secure, route, reach),
    );
    return { options: { ...target, agent }, headers: {}, proxied: false };
  }
  // Names are resolved by the proxy: only literal addresses can be judged here (decisions 10).
  assertHost(target.host, reach);
  if (!secure && proxy.url.protocol !== 'socks5:') return plainProxy(url, proxy, route);
  const agent = await tunnelThrough(proxy, route);
  return { options: { ...target, agent, ...tlsOptions(route) }, headers: {}, proxied: true };
}

/** Connections for the token services of a cloud (6.1): through the proxy, or undefined for the SDK's own. */
export async function agentForCloud(proxyFor: ProxyChoice, reach: Reach): Promise<http.Agent | undefined> {
  const proxy = proxyFor(new URL('https://api.ecr.us-east-1.amazonaws.com'));
  return proxy && tunnelThrough(proxy, { tls: systemTls(), skipVerify: false, proxyFor, reach });
}

async function tunnelThrough(proxy: ProxyServer, route: Route): Promise<http.Agent> {
  const reach = proxyReach(proxy, route);
  const key = `proxy ${proxy.url.href} ${keyOf(route, reach)}`;
  const known = agents.get(key);
  if (known) return known;
  const { createTunnel } = await import('./tunnel.ts');
  return agentOf(key, () => createTunnel(proxy, reach, { ...agentOptions(), ...tlsOptions(route) }));
}

/** Closes the idle connections of an agent: one of them was found closed by the other side, so others may be too. */
export function closeIdle(agent: http.Agent): void {
  for (const sockets of Object.values(agent.freeSockets))
    for (const socket of sockets ?? []) socket.destroy();
}

/** Closes every idle connection of the process and forgets their owners. */
export function closeConnections(): void {
  agents.clear();
}

/** Plain http through an http proxy: the proxy gets the whole address (RFC 9112, 3.2.2). */
function plainProxy(url: URL, proxy: ProxyServer, route: Route): Destination {
  const secure = proxy.url.protocol === 'https:';
  const reach = proxyReach(proxy, route);
  const agent = agentOf(`${secure ? 'tls' : 'tcp'} ${keyOf(route, reach)}`, () =>
    createAgent(secure, route, reach),
  );
  const headers: Record<string, string> = { host: url.host };
  if (proxy.url.username) {
    const user = `${decodeURIComponent(proxy.url.username)}:${decodeURIComponent(proxy.url.password)}`;
    headers['proxy-authorization'] = `Basic ${Buffer.from(user).toString('base64')}`;
  }
  const options = {
    protocol: proxy.url.protocol,
    host: bareHost(proxy.url),
    port: proxy.url.port || (secure ? 443 : 80),
    path: `http://${url.host}${url.pathname}${url.search}`,
    agent,
  };
  return { options, headers, proxied: true };
}

function agentOf(key: string, create: () => http.Agent): http.Agent {
  let agent = agents.get(key);
  if (!agent) {
    agent = create();
    agents.set(key, agent);
  }
  return agent;
}

function createAgent(secure: boolean, route: Route, reach: Reach): http.Agent {
  const options = { ...agentOptions(), lookup: guardedLookup(reach) };
  const agent = secure ? new https.Agent({ ...options, ...tlsOptions(route) }) : new http.Agent(options);
  // All TLS options are the agent's own, so host and port tell its sockets apart: a short key instead of a long one
  // for each request.
  agent.getName = (target) => `${target?.host}:${target?.port}`;
  const connect = agent.createConnection.bind(agent);
  agent.createConnection = (target, callback): Duplex | null | undefined => {
    try {
      assertHost(String((target as { host?: string }).host), reach);
    } catch (error) {
      callback?.(error as AddressError, undefined as never);
      return undefined;
    }
    return connect(target, callback);
  };
  return agent;
}

function agentOptions(): http.AgentOptions {
  return { keepAlive: true, maxSockets: MAX_SOCKETS, maxFreeSockets: MAX_SOCKETS, timeout: IDLE_MS };
}

function tlsOptions(route: Route): tls.ConnectionOptions {
  return { secureContext: route.tls.context, rejectUnauthorized: !route.skipVerify };
}

function keyOf(route: Route, reach: Reach): string {
  const flags = `${reach.private ? 'p' : ''}${reach.loopback ? 'l' : ''}${route.skipVerify ? 's' : ''}`;
  return `${flags} ${route.tls.fingerprint}`;
}

function proxyReach(proxy: ProxyServer, route: Route): Reach {
  return proxy.trusted ? { private: true, loopback: true } : route.reach;
}

function bareHost(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}
