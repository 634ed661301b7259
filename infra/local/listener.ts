/** An HTTP server on this machine, as the local registry and the local Quay are. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

export interface ListenerOptions {
  /** 0: any free port. */
  port: number;
  /** 127.0.0.1 when left out. */
  host?: string;
  /** PEM texts. With `clientCa`, only clients with a certificate of that authority are let in. */
  tls?: { cert: string; key: string; clientCa?: string };
}

type Handle = (request: IncomingMessage, response: ServerResponse) => void;

export interface Listener {
  /** `http://127.0.0.1:15000`. */
  readonly url: string;
  /** `127.0.0.1:15000`. */
  readonly host: string;
  readonly port: number;
  /** Requests come here from now on. */
  serve(handle: Handle): void;
  /** Cuts what is open. */
  close(): Promise<void>;
}

/**
 * Takes the port. Requests that come before `serve` wait.
 * @throws the error of `listen`, such as `EADDRINUSE`
 */
export async function openListener({ port, host = '127.0.0.1', tls }: ListenerOptions): Promise<Listener> {
  const server = createHttpServer(tls);
  const serving = Promise.withResolvers<Handle>();
  server.on(
    'request',
    (request, response) => void serving.promise.then((handle) => handle(request, response)),
  );
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => resolve());
  });
  const own = (server.address() as AddressInfo).port;
  const address = `${host.includes(':') ? `[${host}]` : host}:${own}`;
  return {
    url: `${tls ? 'https' : 'http'}://${address}`,
    host: address,
    port: own,
    serve: serving.resolve,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

function createHttpServer(tls: ListenerOptions['tls']): Server | TlsServer {
  const clients = tls?.clientCa && { ca: tls.clientCa, requestCert: true, rejectUnauthorized: true };
  const server = tls ? createTlsServer({ cert: tls.cert, key: tls.key, ...clients }) : createServer();
  // Longer than any client keeps an idle connection: a close that crosses a request would look like a fault.
  server.keepAliveTimeout = 120_000;
  return server;
}
