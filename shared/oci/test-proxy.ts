/** Proxies for tests: CONNECT and whole addresses over http, and SOCKS5. */
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import net, { type AddressInfo, type Socket } from 'node:net';

export interface TestProxy {
  url: string;
  /** What went through: `CONNECT host:port`, `GET http://…`, `SOCKS host:port`. */
  seen: string[];
  /** `user:password` of each request; empty: none. */
  users: string[];
  /** From now on every request ends at this port of 127.0.0.1, whatever it names. */
  leadTo(port: number): void;
  close(): Promise<void>;
}

/** An http proxy, or https with a certificate. @param refuse answers every request with this status */
export async function startHttpProxy(
  refuse?: number,
  tls?: { cert: string; key: string },
): Promise<TestProxy> {
  const seen: string[] = [];
  const users: string[] = [];
  const led = { port: 0 };
  const note = (line: string, header: string | undefined) => {
    seen.push(line);
    users.push(Buffer.from(header?.split(' ')[1] ?? '', 'base64').toString());
  };
  const listener = (request: http.IncomingMessage, response: http.ServerResponse) => {
    note(`${request.method} ${request.url}`, request.headers['proxy-authorization']);
    if (refuse) return response.writeHead(refuse).end();
    const { 'proxy-authorization': _own, ...headers } = request.headers;
    const url = new URL(request.url!);
    if (led.port) url.host = `127.0.0.1:${led.port}`;
    const onward = http.request(url, { method: request.method, headers, agent: false }, (answer) => {
      response.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  };
  const server = tls ? https.createServer(tls, listener) : http.createServer(listener);
  server.on('connect', (request: http.IncomingMessage, client: Socket) => {
    note(`CONNECT ${request.url}`, request.headers['proxy-authorization']);
    if (refuse) return client.end(`HTTP/1.1 ${refuse} Refused\r\n\r\n`);
    const port = Number(request.url?.split(':').at(-1));
    tunnel(client, led.port || port, () => client.write('HTTP/1.1 200 OK\r\n\r\n'));
  });
  return listen(server, tls ? 'https' : 'http', { seen, users }, led);
}

/** A SOCKS5 proxy that leads every name to 127.0.0.1. With `user` it asks for a password. */
export async function startSocksProxy(user?: string): Promise<TestProxy> {
  const seen: string[] = [];
  const users: string[] = [];
  const led = { port: 0 };
  const server = net.createServer((client) => {
    client.once('data', () => {
      const target = () => client.once('data', (request) => connect(client, request));
      if (user === undefined) {
        client.write(Buffer.from([5, 0]));
        target();
        return;
      }
      client.write(Buffer.from([5, 2]));
      client.once('data', (login) => {
        const length = login[1]!;
        users.push(`${login.subarray(2, 2 + length)}:${login.subarray(3 + length)}`);
        client.write(Buffer.from([1, 0]));
        target();
      });
    });
  });
  function connect(client: Socket, request: Buffer): void {
    const isName = request[3] === 3;
    const host = isName
      ? request.subarray(5, 5 + request[4]!).toString()
      : [...request.subarray(4, 8)].join('.');
    const port = request.readUInt16BE(request.length - 2);
    seen.push(`SOCKS ${host}:${port}`);
    tunnel(client, led.port || port, () => client.write(Buffer.from([5, 0, 0, 1, 127, 0, 0, 1, 0, 0])));
  }
  return listen(server, 'socks5', { seen, users }, led);
}

function tunnel(client: Socket, port: number, ready: () => void): void {
  const target = net.connect(port, '127.0.0.1', () => {
    ready();
    target.pipe(client);
    client.pipe(target);
  });
  target.on('error', () => client.destroy());
  client.on('error', () => target.destroy());
  client.on('close', () => target.destroy());
}

async function listen(
  server: net.Server,
  scheme: string,
  log: { seen: string[]; users: string[] },
  led: { port: number },
): Promise<TestProxy> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    ...log,
    url: `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    leadTo(port) {
      led.port = port;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
