import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import type { Batch } from '../../shared/runtime/contract.ts';
import { createLambdaTarget } from './dispatch-lambda.ts';
import { DispatchError } from './dispatch-target.ts';

const BATCH: Batch = {
  contract: 1,
  release: '0.1.0',
  cluster: 'test',
  access: { provider: 'kubeconfig' },
  epoch: 0,
  deadline: 1,
  requests: [{ group: 'g', kind: 'K', namespace: 'ns', name: 'n', uid: 'u', trigger: 'change', attempt: 0 }],
};

type Answer = (request: IncomingMessage, response: ServerResponse, body: string) => void;

/** An Invoke endpoint that answers as the test says. */
let answer: Answer = () => {};
const server = createServer(async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  answer(request, response, Buffer.concat(chunks).toString());
});

const environment = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test', AWS_REGION: 'eu-central-1' };
const saved: Record<string, string | undefined> = {};

before(async () => {
  for (const [name, value] of Object.entries(environment)) {
    saved[name] = process.env[name];
    process.env[name] = value;
  }
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
after(() => {
  for (const [name, value] of Object.entries(saved)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
  server.close();
  server.closeAllConnections();
});

function send(signal = new AbortController().signal, batch = BATCH): Promise<unknown> {
  const { port } = server.address() as AddressInfo;
  const endpoint = `http://127.0.0.1:${port}`;
  const target = createLambdaTarget({ prefix: 'longshore-dev-', endpoint, maxSockets: 4 });
  return target.send('image-repository', batch, signal);
}

const reply =
  (status: number, body: unknown, headers: Record<string, string> = {}): Answer =>
  (_request, response) =>
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));

describe('dispatch to Lambda', () => {
  test('invokes the function by its prefixed name and waits for its answer', async () => {
    let seen: unknown;
    answer = (request, response, body) => {
      seen = { url: request.url, type: request.headers['x-amz-invocation-type'], body: JSON.parse(body) };
      reply(200, { hello: 'world' })(request, response, body);
    };
    assert.deepEqual(await send(), { hello: 'world' });
    const url = '/2015-03-31/functions/longshore-dev-image-repository/invocations';
    assert.deepEqual(seen, { url, type: 'RequestResponse', body: BATCH });
  });

  const failures: [
    what: string,
    Answer,
    kind: DispatchError['kind'],
    message: RegExp,
    retryAfterMs?: number,
  ][] = [
    [
      'a time-out of the function',
      reply(
        200,
        { errorType: 'Sandbox.Timedout', errorMessage: 'Task timed out after 300.00 seconds' },
        { 'x-amz-function-error': 'Unhandled' },
      ),
      'failed',
      /^longshore-dev-image-repository failed: Task timed out after 300\.00 seconds$/,
    ],
    [
      'a crash without a message',
      reply(200, { errorType: 'Runtime.ExitError' }, { 'x-amz-function-error': 'Unhandled' }),
      'failed',
      /failed: Runtime\.ExitError$/,
    ],
    [
      'an answer that is no JSON',
      (_request, response) => response.writeHead(200).end('<html>'),
      'failed',
      /something that is no JSON$/,
    ],
    [
      'throttling with a time',
      reply(
        429,
        { message: 'Rate exceeded' },
        { 'x-amzn-errortype': 'TooManyRequestsException', 'retry-after': '7' },
      ),
      'throttled',
      /no room for another call$/,
      7000,
    ],
    [
      'throttling without a time',
      reply(429, { message: 'Rate exceeded' }, { 'x-amzn-errortype': 'TooManyRequestsException' }),
      'throttled',
      /no room for another call$/,
    ],
    [
      'a function that does not exist',
      reply(404, { Message: 'Function not found' }, { 'x-amzn-errortype': 'ResourceNotFoundException' }),
      'unreachable',
      /^invoke longshore-dev-image-repository: .*--lambda-function-prefix/,
    ],
    [
      'a role that may not call',
      reply(403, { Message: 'not authorized' }, { 'x-amzn-errortype': 'AccessDeniedException' }),
      'unreachable',
      /^invoke longshore-dev-image-repository: /,
    ],
    ['an error of the service', reply(500, {}), 'unreachable', /^invoke longshore-dev-image-repository: /],
    [
      'a cut connection',
      (request) => request.socket.destroy(),
      'unreachable',
      /^invoke longshore-dev-image-repository: /,
    ],
  ];
  for (const [what, how, kind, message, retryAfterMs] of failures) {
    test(`${what}: ${kind}`, async () => {
      let calls = 0;
      answer = (...args) => {
        calls += 1;
        how(...args);
      };
      await assert.rejects(send(), (error) => {
        assert.ok(error instanceof DispatchError, String(error));
        assert.deepEqual([error.kind, error.retryAfterMs], [kind, retryAfterMs]);
        assert.match(error.message, message);
        return true;
      });
      assert.equal(calls, 1, 'the relay repeats, not the SDK');
    });
  }

  test('a batch that is larger than Lambda takes is not sent', async () => {
    answer = () => assert.fail('sent');
    const token = 'x'.repeat(6 * 2 ** 20);
    const large: Batch = { ...BATCH, access: { provider: 'token', server: 'https://api', token } };
    await assert.rejects(send(undefined, large), { kind: 'failed', message: /larger than the 6 MB/ });
  });

  test('the signal ends the wait', async () => {
    const stop = new AbortController();
    answer = () => stop.abort(new Error('no answer in time'));
    await assert.rejects(send(stop.signal), { kind: 'unreachable' });
  });
});
