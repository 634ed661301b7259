/** Stands between the product and an API server, and breaks what lies between them: connections, watches, history. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import type { ClusterEndpoint } from '../../shared/kube/transport.ts';

export interface ApiGateway {
  /** How to reach the API server through it. */
  endpoint: ClusterEndpoint;
  /** Watches of objects that began so far. */
  watches: number;
  /** Cuts every connection, and each new one as soon as it comes. */
  cut(): void;
  restore(): void;
  /** The next event of a watch ends in the middle of its line, and with it the connection. */
  cutNextLine(): void;
  /** Cuts the watches; the next one of ImageRepositories asks for a past that the server has forgotten. */
  forgetHistory(): void;
}

export async function openApiGateway(t: TestContext, behind: ClusterEndpoint): Promise<ApiGateway> {
  const { ca, cert, key, token } = behind;
  const agent = new https.Agent({ ca, cert, key, keepAlive: true });
  const running = new Set<ServerResponse>();
  let isCut = false;
  let cutsLine = false;
  let hasForgotten = false;

  const server = createServer((request, response) => {
    const url = new URL(request.url!, behind.server);
    const isWatch = url.searchParams.get('watch') === 'true';
    if (isWatch) {
      gateway.watches += 1;
      running.add(response);
      if (hasForgotten && isOfImageRepositories(url)) {
        url.searchParams.set('resourceVersion', '1');
        hasForgotten = false;
      }
    }
    const headers = {
      ...request.headers,
      ...(token && { authorization: `Bearer ${token}` }),
      host: url.host,
    };
    const upstream = https.request(url, { method: request.method, headers, agent }, (answer) => {
      response.writeHead(answer.statusCode!, answer.headers);
      response.flushHeaders();
      if (isWatch) passEvents(answer, response);
      else answer.pipe(response);
      answer.on('error', () => response.destroy());
    });
    upstream.on('error', () => response.destroy());
    request.pipe(upstream);
    response.on('close', () => {
      running.delete(response);
      upstream.destroy();
    });
  });

  const passEvents = (answer: IncomingMessage, response: ServerResponse) => {
    answer.on('data', (chunk: Buffer) => {
      if (!cutsLine) return response.write(chunk);
      cutsLine = false;
      return response.write(chunk.subarray(0, chunk.length / 2), () => response.socket?.destroy());
    });
    answer.on('end', () => response.end());
  };

  server.on('connection', (socket) => {
    if (isCut) socket.destroy();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const gateway: ApiGateway = {
    endpoint: { server: `http://127.0.0.1:${(server.address() as AddressInfo).port}` },
    watches: 0,
    cut() {
      isCut = true;
      server.closeAllConnections();
    },
    restore() {
      isCut = false;
    },
    cutNextLine() {
      cutsLine = true;
    },
    forgetHistory() {
      hasForgotten = true;
      for (const response of running) response.socket?.destroy();
    },
  };
  t.after(() => {
    gateway.cut();
    server.close();
    agent.destroy();
  });
  return gateway;
}

/** The relay watches other kinds as well, in any order. */
function isOfImageRepositories({ pathname }: URL): boolean {
  return /^\/apis\/image\.toolkit\.fluxcd\.io\/.*\/imagerepositories$/.test(pathname);
}
