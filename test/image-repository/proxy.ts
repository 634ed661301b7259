/** A forward proxy that remembers what passed it: CONNECT, and plain requests with an absolute address. */
import { createServer, request as sendRequest } from 'node:http';
import { type AddressInfo, connect } from 'node:net';

export interface TestProxy {
  address: string;
  /** `host:port` of every connection or request that went through. */
  targets: string[];
  /** `Proxy-Authorization` of each, decoded; empty: none. */
  users: string[];
  close(): Promise<void>;
}

/** @param account `user:password` that is asked for; left out: nobody is asked */
export async function startProxy(account?: string): Promise<TestProxy> {
  const proxy: TestProxy = { address: '', targets: [], users: [], close: async () => {} };
  const admit = (target: string, header: string | undefined): boolean => {
    const user = Buffer.from(header?.replace(/^Basic /i, '') ?? '', 'base64').toString();
    proxy.targets.push(target);
    proxy.users.push(user);
    return account === undefined || user === account;
  };
  const server = createServer((incoming, outgoing) => {
    const { headers, method = 'GET', url = '' } = incoming;
    if (!admit(new URL(url).host, headers['proxy-authorization'])) return void outgoing.writeHead(407).end();
    const forwarded = sendRequest(url, { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(outgoing);
    });
    forwarded.on('error', () => outgoing.writeHead(502).end());
    incoming.pipe(forwarded);
  });
  server.on('connect', (incoming, socket) => {
    const [host, port] = incoming.url!.split(':') as [string, string];
    if (!admit(incoming.url!, incoming.headers['proxy-authorization'])) {
      return void socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
    }
    const upstream = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      upstream.pipe(socket).pipe(upstream);
    });
    upstream.on('error', () => socket.destroy());
    socket.on('error', () => upstream.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  proxy.address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  proxy.close = () =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return proxy;
}
