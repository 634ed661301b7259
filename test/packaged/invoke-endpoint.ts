/**
 * The Invoke API of Lambda over packaged functions: `POST /2015-03-31/functions/{name}/invocations`, as the AWS SDK
 * speaks it. Every function runs from its zip, in containers of its own (`container.ts`), one event at a time each.
 */
import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeFiles } from '../../infra/bundle/cold-start.ts';
import { readZip } from '../../infra/bundle/zip.ts';
import { Container, type ContainerAnswer } from './container.ts';

/** Most bytes of a synchronous request, and of its answer: Lambda's own figures. */
const MAX_REQUEST_BYTES = 6 * 1024 * 1024;
const MAX_RESPONSE_BYTES = 6_291_556;

const ROUTE = /^\/2015-03-31\/functions\/([^/]+)\/invocations$/;

export interface PackagedFunction {
  /** Path of the zip. */
  zip: string;
  environment: Record<string, string>;
  handler?: string;
  timeoutMs?: number;
  /** Containers that may run at the same time: the reserved concurrency. One more call is throttled. */
  maxContainers?: number;
}

/** What the endpoint saw of one call that it let through. */
export interface Invocation {
  name: string;
  /** The whole payload as text. */
  event: string;
  coldStart: boolean;
  answer: ContainerAnswer;
}

export interface InvokeEndpoint {
  url: string;
  /** Finished calls, oldest first. */
  invocations: readonly Invocation[];
  /** Everything that the containers of a function have written. */
  output(name: string): string;
  /** Answers the next `times` calls of a function with 429 and `Retry-After`. */
  throttle(name: string, times: number, retryAfterSeconds: number): void;
  /** Answers every call of a function with this refusal of the service; undefined: no more. */
  refuse(name: string, refusal: Refusal | undefined): void;
  /** Kills what runs now, as a lack of memory does. Answers how many containers that were. */
  crash(name: string): Promise<number>;
  /** Another configuration: the next call starts a container of its own. */
  configure(name: string, changes: Pick<PackagedFunction, 'timeoutMs'>): Promise<void>;
  close(): Promise<void>;
}

/** `code` as the service words it, such as `AccessDeniedException`. */
export interface Refusal {
  status: number;
  code: string;
  message: string;
}

interface Deployment extends Required<PackagedFunction> {
  folder: string;
  idle: Container[];
  running: Set<Container>;
  /** Containers that run or start. */
  busy: number;
  throttles: { left: number; retryAfterSeconds: number };
  refusal: Refusal | undefined;
  output: string;
}

/** A refusal as the service words it: `code` goes into `x-amzn-ErrorType`. */
class ServiceError extends Error {
  readonly status: number;
  readonly code: string;
  readonly headers: Record<string, string>;

  constructor(status: number, code: string, message: string, headers: Record<string, string> = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

/** @param functions by the name that callers use */
export async function startInvokeEndpoint(
  functions: Record<string, PackagedFunction>,
): Promise<InvokeEndpoint> {
  const deployments = new Map<string, Deployment>();
  for (const [name, source] of Object.entries(functions)) deployments.set(name, await deploy(source));
  const invocations: Invocation[] = [];

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { name, deployment } = admit(request, deployments);
    const event = await readBody(request);
    const { result, coldStart } = await runInContainer(name, deployment, event);
    invocations.push({ name, event, coldStart, answer: result });
    sendAnswer(response, result);
  };

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => sendRefusal(response, error));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    invocations,
    output: (name) => deployments.get(name)!.output,
    refuse(name, refusal) {
      deployments.get(name)!.refusal = refusal;
    },
    throttle(name, times, retryAfterSeconds) {
      deployments.get(name)!.throttles = { left: times, retryAfterSeconds };
    },
    async crash(name) {
      const containers = [...deployments.get(name)!.running];
      await Promise.all(containers.map((container) => container.stop()));
      return containers.length;
    },
    async configure(name, changes) {
      const deployment = Object.assign(deployments.get(name)!, changes);
      await Promise.all(deployment.idle.splice(0).map((container) => container.stop()));
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      for (const deployment of deployments.values()) {
        const containers = [...deployment.idle, ...deployment.running];
        await Promise.all(containers.map((container) => container.stop()));
        await rm(deployment.folder, { recursive: true });
      }
      await closed;
    },
  };
}

async function deploy(source: PackagedFunction): Promise<Deployment> {
  const folder = await mkdtemp(join(tmpdir(), 'longshore-function-'));
  await writeFiles(readZip(await readFile(source.zip)), folder);
  return {
    handler: 'handler.handler',
    timeoutMs: 60_000,
    maxContainers: 4,
    ...source,
    folder,
    idle: [],
    running: new Set(),
    busy: 0,
    throttles: { left: 0, retryAfterSeconds: 0 },
    refusal: undefined,
    output: '',
  };
}

/** The function that a request is for. @throws ServiceError for what the service would refuse */
function admit(request: IncomingMessage, deployments: Map<string, Deployment>) {
  const route = ROUTE.exec(new URL(request.url ?? '/', 'http://localhost').pathname);
  if (request.method !== 'POST' || !route) {
    throw new ServiceError(404, 'UnknownOperationException', `no such operation: ${request.url}`);
  }
  if (!request.headers.authorization?.startsWith('AWS4-HMAC-SHA256 ')) {
    throw new ServiceError(403, 'MissingAuthenticationTokenException', 'the request is not signed');
  }
  const type = request.headers['x-amz-invocation-type'] ?? 'RequestResponse';
  if (type !== 'RequestResponse') {
    throw new ServiceError(400, 'InvalidParameterValueException', `invocation type ${type}: not built`);
  }
  const name = decodeURIComponent(route[1]!);
  const deployment = deployments.get(name);
  if (!deployment) throw new ServiceError(404, 'ResourceNotFoundException', `Function not found: ${name}`);
  const { refusal } = deployment;
  if (refusal) throw new ServiceError(refusal.status, refusal.code, refusal.message);
  if (deployment.throttles.left > 0) {
    deployment.throttles.left -= 1;
    throw tooManyRequests(deployment.throttles.retryAfterSeconds);
  }
  if (deployment.busy >= deployment.maxContainers) throw tooManyRequests(1);
  return { name, deployment };
}

function tooManyRequests(retryAfterSeconds: number): ServiceError {
  return new ServiceError(429, 'TooManyRequestsException', 'Rate Exceeded.', {
    'retry-after': String(retryAfterSeconds),
  });
}

async function readBody(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length;
    if (size <= MAX_REQUEST_BYTES) parts.push(part);
  }
  if (size > MAX_REQUEST_BYTES) {
    const message = `${size} byte payload is too large for the RequestResponse invocation type (limit ${MAX_REQUEST_BYTES} bytes)`;
    throw new ServiceError(413, 'RequestTooLargeException', message);
  }
  return Buffer.concat(parts).toString('utf8') || '{}';
}

async function runInContainer(
  name: string,
  deployment: Deployment,
  event: string,
): Promise<{ result: ContainerAnswer; coldStart: boolean }> {
  if (deployment.busy >= deployment.maxContainers) throw tooManyRequests(1);
  deployment.busy += 1;
  try {
    const warm = deployment.idle.pop();
    const container = warm ?? (await Container.start(containerOptions(name, deployment)));
    const coldStart = warm === undefined;
    if ('error' in container) return { result: container, coldStart };
    deployment.running.add(container);
    const result = await container.invoke(event, randomUUID());
    deployment.running.delete(container);
    if (container.alive) deployment.idle.push(container);
    return { result, coldStart };
  } finally {
    deployment.busy -= 1;
  }
}

function containerOptions(name: string, deployment: Deployment) {
  return {
    folder: deployment.folder,
    handler: deployment.handler,
    timeoutMs: deployment.timeoutMs,
    environment: {
      AWS_LAMBDA_FUNCTION_NAME: name,
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '512',
      AWS_REGION: 'us-east-1',
      LAMBDA_TASK_ROOT: deployment.folder,
      ...deployment.environment,
    },
    onOutput: (text: string) => {
      deployment.output += text;
    },
  };
}

function sendAnswer(response: ServerResponse, result: ContainerAnswer): void {
  const checked: ContainerAnswer =
    'payload' in result && Buffer.byteLength(result.payload) > MAX_RESPONSE_BYTES
      ? {
          error: {
            errorType: 'Function.ResponseSizeTooLarge',
            errorMessage: `Response payload size exceeded maximum allowed payload size (${MAX_RESPONSE_BYTES} bytes).`,
          },
        }
      : result;
  response.setHeader('x-amzn-requestid', randomUUID());
  response.setHeader('x-amz-executed-version', '$LATEST');
  response.setHeader('content-type', 'application/json');
  if ('error' in checked) response.setHeader('x-amz-function-error', 'Unhandled');
  response.writeHead(200).end('error' in checked ? JSON.stringify(checked.error) : checked.payload);
}

function sendRefusal(response: ServerResponse, error: unknown): void {
  const refusal =
    error instanceof ServiceError ? error : new ServiceError(500, 'ServiceException', String(error));
  response
    .writeHead(refusal.status, {
      'content-type': 'application/json',
      'x-amzn-errortype': refusal.code,
      ...refusal.headers,
    })
    .end(JSON.stringify({ Type: refusal.status < 500 ? 'User' : 'Service', message: refusal.message }));
}
