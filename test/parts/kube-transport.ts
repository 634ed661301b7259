/** What tests of the transport need: a server of their own, a transport to it, and a look at its errors. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http, {
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { KubeError } from '../../shared/kube/errors.ts';
import { type ClusterEndpoint, createTransport, type TransportOptions } from '../../shared/kube/transport.ts';

/** A server for one test, and how often it was reached. */
export async function serve(t: TestContext, listener: RequestListener, server: Server = http.createServer()) {
  const counted = { url: '', connections: 0, requests: 0 };
  server.on('connection', () => counted.connections++);
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    counted.requests++;
    listener(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const scheme = server instanceof https.Server ? 'https' : 'http';
  counted.url = `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return counted;
}

/** A transport that the test closes. */
export function transportTo(t: TestContext, endpoint: ClusterEndpoint, options?: TransportOptions) {
  const transport = createTransport(endpoint, options);
  t.after(() => transport.close());
  return transport;
}

/** For `assert.rejects`: a failed exchange with a text of one line. */
export const messageMatches = (pattern: RegExp) => (error: unknown) => {
  assert.ok(error instanceof KubeError, String(error));
  assert.equal(error.status, 0);
  assert.match(error.message, pattern);
  assert.doesNotMatch(error.message, /\n/);
  return true;
};

export const GET = { method: 'GET', path: '/api/v1' } as const;
