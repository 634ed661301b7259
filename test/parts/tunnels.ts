/** Proxies that carry connections, and remember where to: HTTP CONNECT and SOCKS 5. */
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

export interface Tunnel {
  /** Address with its scheme, as a proxy setting has it. */
  url: string;
  /** `host:port` of each connection that went through. */
  targets: string[];
  close(): void;
}

/** @param account `user:password` that is asked for; left out: nobody is asked */
export async function startConnectProxy(account?: string): Promise<Tunnel> {
  const targets: string[] = [];
  const server = createHttpServer();
  const wanted = account && `Basic ${Buffer.from(account).toString('base64')}`;
  server.on('connect', (request, client: Socket) => {
    if (wanted && request.headers['proxy-authorization'] !== wanted) {
      client.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
      return;
    }
    targets.push(request.url!);
    const [host, port] = request.url!.split(':');
    join(client, host!, Number(port), () => client.write('HTTP/1.1 200 Connection Established\r\n\r\n'));
  });
  return listen('http', server, targets);
}

/** SOCKS 5 without authentication, for IPv4 addresses and names. */
export async function startSocksProxy(): Promise<Tunnel> {
  const targets: string[] = [];
  const server = createServer((client) => {
    client.once('data', () => {
      client.write(Buffer.from([5, 0]));
      client.once('data', (request: Buffer) => {
        const isName = request[3] === 3;
        const end = isName ? 5 + request[4]! : 8;
        const host = isName ? request.toString('utf8', 5, end) : request.subarray(4, 8).join('.');
        const port = request.readUInt16BE(end);
        targets.push(`${host}:${port}`);
        join(client, host, port, () => client.write(Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0])));
      });
    });
  });
  return listen('socks5', server, targets);
}

function join(client: Socket, host: string, port: number, connected: () => void): void {
  const upstream = connect(port, host, () => {
    connected();
    upstream.pipe(client).pipe(upstream);
  });
  upstream.on('error', () => client.destroy());
  client.on('error', () => upstream.destroy());
  client.on('close', () => upstream.destroy());
}

async function listen(scheme: string, server: Server, targets: string[]): Promise<Tunnel> {
  const clients = new Set<Socket>();
  server.on('connection', (client) => clients.add(client));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    targets,
    close() {
      for (const client of clients) client.destroy();
      server.close();
    },
  };
}
