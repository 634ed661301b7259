import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { createZip } from '../../infra/bundle/zip.ts';
import { type InvokeEndpoint, startInvokeEndpoint } from './invoke-endpoint.ts';

/** A function that does what its event says, to be packaged. */
const PUPPET = `
import { resource } from './chunks/resource.mjs';
let calls = 0;
export async function handler(event, context) {
  calls += 1;
  if (event.throw) throw new RangeError(event.throw);
  if (event.exit) process.exit(event.exit);
  if (event.hang) return new Promise((resolve) => setTimeout(resolve, 3_600_000));
  if (event.bytes) return 'x'.repeat(event.bytes);
  if (event.meet) {
    process.stdout.write('waiting ');
    await fetch(event.meet);
  }
  return { calls, resource, pid: process.pid, remaining: context.getRemainingTimeInMillis(), env: process.env };
}`;

let endpoint: InvokeEndpoint;
let client: LambdaClient;
let folder: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'longshore-puppet-'));
  const zip = join(folder, 'puppet.zip');
  await writeFile(
    zip,
    createZip(
      new Map([
        ['handler.mjs', Buffer.from(PUPPET)],
        ['chunks/resource.mjs', Buffer.from("export const resource = 'from a chunk';")],
      ]),
    ),
  );
  const broken = join(folder, 'broken.zip');
  await writeFile(broken, createZip(new Map([['handler.mjs', Buffer.from("import 'zod';")]])));
  endpoint = await startInvokeEndpoint({
    puppet: { zip, environment: { COLOUR: 'green' }, timeoutMs: 20_000 },
    single: { zip, environment: {}, maxContainers: 1 },
    hasty: { zip, environment: {}, timeoutMs: 50 },
    broken: { zip: broken, environment: {} },
  });
  client = new LambdaClient({
    endpoint: endpoint.url,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
  });
});

after(async () => {
  client.destroy();
  await endpoint.close();
  await rm(folder, { recursive: true });
});

async function invoke(name: string, event: unknown) {
  const answer = await client.send(new InvokeCommand({ FunctionName: name, Payload: JSON.stringify(event) }));
  const payload = JSON.parse(Buffer.from(answer.Payload!).toString());
  return { status: answer.StatusCode, functionError: answer.FunctionError, payload };
}

test('a container stays warm and sees its own environment and no other', async () => {
  const first = await invoke('single', {});
  const second = await invoke('single', {});
  assert.equal(first.status, 200);
  assert.equal(first.functionError, undefined);
  assert.equal(first.payload.resource, 'from a chunk');
  assert.deepEqual([first.payload.calls, second.payload.calls], [1, 2]);
  assert.equal(first.payload.pid, second.payload.pid);
  const { env } = (await invoke('puppet', {})).payload;
  assert.equal(env.COLOUR, 'green');
  assert.equal(env.AWS_LAMBDA_FUNCTION_NAME, 'puppet');
  assert.equal(env.HOME, undefined);
  assert.deepEqual(
    endpoint.invocations.filter(({ name }) => name === 'single').map(({ coldStart }) => coldStart),
    [true, false],
  );
});

test('the remaining time counts down from the time-out', async () => {
  const { remaining } = (await invoke('puppet', {})).payload;
  assert.ok(remaining > 0 && remaining <= 20_000, String(remaining));
});

test('what a handler throws is a function error', async () => {
  const { status, functionError, payload } = await invoke('puppet', { throw: 'too far' });
  assert.equal(status, 200);
  assert.equal(functionError, 'Unhandled');
  assert.equal(payload.errorType, 'RangeError');
  assert.equal(payload.errorMessage, 'too far');
});

test('a process that ends and one that hangs are function errors; the next call starts anew', async () => {
  const exited = await invoke('puppet', { exit: 3 });
  assert.equal(exited.functionError, 'Unhandled');
  assert.match(exited.payload.errorMessage, /Runtime exited with error: exit status 3$/);
  assert.equal((await invoke('puppet', {})).payload.calls, 1);

  const late = await invoke('hasty', { hang: true });
  assert.equal(late.payload.errorType, 'Sandbox.Timedout');
  assert.match(late.payload.errorMessage, /Task timed out after 0\.05 seconds$/);
});

test('a bundle that cannot be imported is a function error', async () => {
  const { functionError, payload } = await invoke('broken', {});
  assert.equal(functionError, 'Unhandled');
  assert.match(payload.errorMessage, /Cannot find package 'zod'/);
});

test('requests and answers are bounded as in Lambda', async () => {
  await assert.rejects(invoke('puppet', 'x'.repeat(6 * 1024 * 1024)), {
    name: 'RequestTooLargeException',
  });
  const { payload } = await invoke('puppet', { bytes: 6_291_557 });
  assert.equal(payload.errorType, 'Function.ResponseSizeTooLarge');
  assert.equal((await invoke('puppet', { bytes: 1_000_000 })).payload.length, 1_000_000);
});

test('a call beyond the concurrency is throttled, not queued', async () => {
  const arrived = Promise.withResolvers<() => void>();
  const server = createServer((_request, response) => arrived.resolve(() => response.end()));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const running = invoke('single', { meet: `http://127.0.0.1:${port}` });
  const leave = await arrived.promise;
  await assert.rejects(invoke('single', {}), { name: 'TooManyRequestsException' });
  leave();
  assert.equal((await running).functionError, undefined);
  assert.match(endpoint.output('single'), /waiting/);
  server.close();
});

test('throttles on demand carry Retry-After', async () => {
  endpoint.throttle('puppet', 1, 7);
  await assert.rejects(invoke('puppet', {}), (error: { name: string; retryAfterSeconds?: string }) => {
    assert.equal(error.name, 'TooManyRequestsException');
    assert.equal(error.retryAfterSeconds, '7');
    return true;
  });
  assert.equal((await invoke('puppet', {})).functionError, undefined);
});

test('an unknown function, an unsigned call and another path are refused', async () => {
  await assert.rejects(invoke('nobody', {}), { name: 'ResourceNotFoundException' });
  const path = `${endpoint.url}/2015-03-31/functions/puppet/invocations`;
  assert.equal((await fetch(path, { method: 'POST', body: '{}' })).status, 403);
  assert.equal((await fetch(`${endpoint.url}/2015-03-31/functions`)).status, 404);
});
