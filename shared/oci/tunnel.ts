/** Connections through a proxy: CONNECT and SOCKS5. Loaded when the first proxy is used. */
import type http from 'node:http';
import type https from 'node:https';
import type { Socket } from 'node:net';
import { checkServerIdentity } from 'node:tls';
import { HttpsProxyAgent } from 'https-proxy-agent';
import { SocksProxyAgent } from 'socks-proxy-agent';
import { assertHost, guardedLookup, type Reach } from './address-guard.ts';
import { ABANDONED } from './connections.ts';
import type { ProxyServer } from './proxy.ts';

type Connect = HttpsProxyAgent<string>['connect'];

/**
 * An agent whose connections run through `proxy`, which itself must be within `reach`. An https proxy is checked with the
 * TLS material among `options`; the target behind it with that of the request.
 */
export function createTunnel(proxy: ProxyServer, reach: Reach, options: http.AgentOptions): http.Agent {
  return proxy.url.protocol === 'socks5:'
    ? new SocksTunnel(proxy, reach, options)
    : new ConnectTunnel(proxy, reach, options);
}

class ConnectTunnel extends HttpsProxyAgent<string> {
  readonly #reach: Reach;

  constructor(proxy: ProxyServer, reach: Reach, options: http.AgentOptions) {
    super(proxy.url.href, { ...options, lookup: guardedLookup(reach) } as http.AgentOptions);
    this.#reach = reach;
  }

  /** A proxy that accepts the connection and stays silent is left when the request is. */
  override async connect(request: http.ClientRequest, target: Parameters<Connect>[1]): Promise<Socket> {
    assertHost(String(this.connectOpts.host), this.#reach);
    const gone = new AbortController();
    const onAbandoned = () => gone.abort();
    request.once(ABANDONED, onAbandoned);
    const agent = new HttpsProxyAgent(this.proxy, { ...this.connectOpts, signal: gone.signal } as never);
    try {
      return await agent.connect(request, withIdentity(target));
    } finally {
      request.off(ABANDONED, onAbandoned);
    }
  }
}

class SocksTunnel extends SocksProxyAgent {
  readonly #reach: Reach;

  constructor(proxy: ProxyServer, reach: Reach, options: http.AgentOptions) {
    // `socks5h`: the proxy resolves the name, as it does with CONNECT.
    const socketOptions = { lookup: guardedLookup(reach) };
    super(proxy.url.href.replace(/^socks5:/, 'socks5h:'), { ...options, socketOptions } as never);
    // The idle time of the agent is none of the handshake's.
    this.timeout = null;
    this.#reach = reach;
  }

  override async connect(request: http.ClientRequest, target: Parameters<Connect>[1]): Promise<Socket> {
    assertHost(this.proxy.host ?? '', this.#reach);
    return super.connect(request, withIdentity(target));
  }
}

/** Over a given socket Node would check the certificate against the name of the proxy when the target is an address. */
function withIdentity<T extends Parameters<Connect>[1]>(target: T): T {
  const host = String((target as https.RequestOptions).host);
  return { ...target, checkServerIdentity: (_name: string, cert: never) => checkServerIdentity(host, cert) };
}
