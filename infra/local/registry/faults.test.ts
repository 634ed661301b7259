import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { sha256Of } from './digest.ts';
import { type FaultRule, tooManyRequests } from './faults.ts';
import { startRegistry } from './registry.ts';

const TAGS = '/v2/team/app/tags/list';

async function start(t: TestContext, ...faults: FaultRule[]) {
  const registry = await startRegistry({ port: 0, faults });
  t.after(() => registry.close());
  const pushed = await registry.push('team/app', ['1.0', '1.1']);
  return { registry, pushed, tags: () => fetch(registry.url + TAGS) };
}

test('429 with Retry-After, for so many requests after so many', async (t) => {
  const { registry, tags } = await start(t, { path: TAGS, skip: 1, times: 2, ...tooManyRequests(7) });
  const seen = [];
  for (let request = 0; request < 4; request++) {
    const response = await tags();
    seen.push([response.status, response.headers.get('retry-after')]);
  }
  assert.deepEqual(seen, [
    [200, null],
    [429, '7'],
    [429, '7'],
    [200, null],
  ]);
  assert.deepEqual(
    registry.requests.records.map((record) => record.status),
    [200, 429, 429, 200],
  );
});

test('a rule counts for its method and path only, and can be taken back', async (t) => {
  const { registry, tags } = await start(t, { method: 'HEAD', status: 500 });
  assert.equal((await tags()).status, 200);
  assert.equal((await fetch(registry.url + TAGS, { method: 'HEAD' })).status, 500);
  const remove = registry.faults.add({ path: /n=2$/, status: 503 });
  assert.equal((await tags()).status, 200);
  assert.equal((await fetch(`${registry.url}${TAGS}?n=2`)).status, 503);
  remove();
  assert.equal((await fetch(`${registry.url}${TAGS}?n=2`)).status, 200);
  registry.faults.clear();
  assert.equal((await fetch(registry.url + TAGS, { method: 'HEAD' })).status, 200);
});

test('garbage instead of JSON', async (t) => {
  const { tags } = await start(t, { body: '{"tags": [' });
  const response = await tags();
  assert.equal(response.status, 200);
  await assert.rejects(response.json(), SyntaxError);
});

test('headers are put over, or taken from the answer', async (t) => {
  const { tags, registry } = await start(t, {
    headers: { link: `<${TAGS}>; rel="next"`, 'Content-Type': null },
  });
  const response = await tags();
  assert.equal(response.headers.get('link'), `<${TAGS}>; rel="next"`);
  assert.equal(response.headers.get('content-type'), null);
  assert.deepEqual(registry.tags('team/app'), ['1.0', '1.1']);
});

test('a body that does not match its digest', async (t) => {
  const { registry, pushed } = await start(t, { corrupt: true });
  const response = await fetch(`${registry.url}/v2/team/app/manifests/1.0`);
  const bytes = Buffer.from(await response.arrayBuffer());
  assert.equal(bytes.length, pushed.size);
  assert.notEqual(sha256Of(bytes), response.headers.get('docker-content-digest'));
});

test('a body that is cut', async (t) => {
  const { tags } = await start(t, { cutAfter: 10 });
  const response = await tags();
  assert.equal(response.status, 200);
  assert.ok(Number(response.headers.get('content-length')) > 10);
  await assert.rejects(response.text());
});

test('a connection that is cut before an answer', async (t) => {
  const { registry, tags } = await start(t, { reset: true, times: 1 });
  await assert.rejects(tags());
  assert.equal((await tags()).status, 200);
  assert.deepEqual(
    registry.requests.records.map((record) => record.status),
    [0, 200],
  );
});

test('a body that comes slowly', async (t) => {
  const { registry } = await start(t);
  await registry.push('slow/app', '1.0', { annotations: { text: 'x'.repeat(300) } });
  registry.faults.add({ bytesPerSecond: 2000 });
  const chunks = [];
  const response = await fetch(`${registry.url}/v2/slow/app/manifests/1.0`);
  for await (const chunk of response.body!) chunks.push(chunk.length);
  assert.ok(chunks.length > 1, 'the body came in parts');
  assert.equal(
    String(chunks.reduce((sum, length) => sum + length, 0)),
    response.headers.get('content-length'),
  );
});

test('an answer that never comes ends with the client, or with the registry', async (t) => {
  const { registry, tags } = await start(t, { delayMs: Infinity, times: 2 });
  const aborted = fetch(registry.url + TAGS, { signal: AbortSignal.timeout(50) });
  await assert.rejects(aborted, { name: 'TimeoutError' });
  const waiting = assert.rejects(tags());
  while (registry.requests.count('GET', TAGS) < 2) await new Promise((resolve) => setImmediate(resolve));
  await registry.close();
  await waiting;
});
