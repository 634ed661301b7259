/** The HTTPS side: who asks, how much, and what goes back. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { type Answer, errorAnswer, type Streaming, warningHeaders } from './answer.ts';
import { SERVICE_ACCOUNT_RESOURCE } from './builtin/service-account.ts';
import { keyOf } from './collection.ts';
import { parseResourcePath } from './request-path.ts';
import type { Router } from './router.ts';
import type { ServerContext } from './server-context.ts';
import { forbidden, StatusError } from './status-error.ts';
import type { ServerIdentity } from './tls.ts';
import type { ServiceAccountIdentity, User } from './tokens.ts';

const BODY_LIMIT = 3 * 1024 * 1024;
const NO_QUERY = new URLSearchParams();
const EMPTY = Buffer.alloc(0);

/** Paths that need no token. */
const OPEN_PATHS = new Set(['/healthz', '/livez', '/readyz', '/version']);
const ANONYMOUS: User = { username: 'system:anonymous', uid: '', groups: ['system:unauthenticated'] };

export interface ListeningServer {
  port: number;
  close(): Promise<void>;
}

/**
 * Listens on 127.0.0.1.
 * @param port 0: any free one
 * @param onError told of failures of ours; clients get a 500 without details
 * @throws Error of `listen`, e.g. `EADDRINUSE`
 */
export async function listen(
  context: ServerContext,
  router: Router,
  identity: ServerIdentity,
  port: number,
  onError: (error: unknown) => void,
): Promise<ListeningServer> {
  const watches = new Set<() => void>();
  const server = createServer({ cert: identity.cert, key: identity.key }, (request, response) => {
    serve(context, router, request, response, watches).catch((error) => {
      onError(error);
      if (!response.headersSent) send(response, errorAnswer(internalError()));
      else response.destroy();
    });
  });
  server.keepAliveTimeout = 120_000;
  server.requestTimeout = 0;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : port,
    close: () => closeServer(server, watches),
  };
}

async function closeServer(server: Server, watches: Set<() => void>): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  for (const end of watches) end();
  server.closeIdleConnections();
  // A watch that has just ended still writes its last bytes; whoever keeps a connection after that is cut off.
  setTimeout(() => server.closeAllConnections(), 500).unref();
  await closed;
}

async function serve(
  context: ServerContext,
  router: Router,
  request: IncomingMessage,
  response: ServerResponse,
  watches: Set<() => void>,
): Promise<void> {
  const { method = 'GET', url = '/', headers } = request;
  const mark = url.indexOf('?');
  const path = mark < 0 ? url : url.slice(0, mark);
  const query = mark < 0 ? NO_QUERY : new URLSearchParams(url.slice(mark + 1));
  try {
    const user = authenticate(context, headers.authorization);
    if (user === ANONYMOUS && !OPEN_PATHS.has(path)) throw anonymousRefused(method, path);
    const body = method === 'GET' ? EMPTY : await readAll(request);
    const answer = await router.handle({
      method,
      path,
      query,
      accept: headers.accept,
      contentType: headers['content-type'],
      userAgent: headers['user-agent'] ?? '',
      body,
      user,
    });
    if ('stream' in answer) startStream(answer, response, watches);
    else send(response, answer);
  } catch (error) {
    if (!(error instanceof StatusError) || response.headersSent) throw error;
    send(response, errorAnswer(error));
  }
}

function startStream(answer: Streaming, response: ServerResponse, watches: Set<() => void>): void {
  const end = answer.stream(response);
  watches.add(end);
  response.once('close', () => watches.delete(end));
}

function authenticate(context: ServerContext, header: string | undefined): User {
  if (!header) return ANONYMOUS;
  const token = /^Bearer\s+(\S+)$/i.exec(header)?.[1];
  const accounts = context.state.collection(SERVICE_ACCOUNT_RESOURCE);
  const exists = ({ namespace, name, uid }: ServiceAccountIdentity) =>
    accounts.get(keyOf(namespace, name))?.object.metadata.uid === uid;
  const user = token === undefined ? undefined : context.tokens.authenticate(token, exists);
  if (user) return user;
  throw new StatusError(401, 'Unauthorized', 'Unauthorized');
}

function anonymousRefused(method: string, path: string): StatusError {
  const at = parseResourcePath(path);
  const who = 'User "system:anonymous" cannot';
  if (!at) {
    const message = `forbidden: ${who} ${method.toLowerCase()} path ${JSON.stringify(path)}`;
    return new StatusError(403, 'Forbidden', message, {});
  }
  const { group, plural, namespace, name } = at;
  const where = namespace === '' ? 'at the cluster scope' : `in the namespace ${JSON.stringify(namespace)}`;
  const why = `${who} ${method.toLowerCase()} resource "${plural}" in API group "${group}" ${where}`;
  return forbidden({ group, plural, kind: plural }, name, why);
}

async function readAll(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > BODY_LIMIT) {
      const message = `Request entity too large: limit is ${BODY_LIMIT}`;
      throw new StatusError(413, 'RequestEntityTooLarge', message);
    }
    chunks.push(chunk);
  }
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
}

function send(response: ServerResponse, answer: Answer): void {
  const warnings = warningHeaders(answer.warnings);
  response.writeHead(answer.code, {
    'content-type': answer.contentType,
    'content-length': Buffer.byteLength(answer.body),
    'cache-control': 'no-cache, private',
    ...answer.headers,
    ...(warnings.length > 0 && ({ warning: warnings } as Record<string, string[]>)),
  });
  response.end(answer.body);
}

function internalError(): StatusError {
  return new StatusError(500, 'InternalError', 'Internal error occurred: see the log of the server');
}
