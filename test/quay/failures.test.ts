/** What goes wrong between us and Quay: who can repair it, and what is repeated (spec A.1, A.2, 10.3, 16.4). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LOCAL_TOKEN, LOCAL_ORGANIZATION as ORG } from '../../infra/local/quay/quay.ts';
import { trustAlso } from '../../shared/oci/tls-material.ts';
import type { QuayClient } from '../../shared/quay/client.ts';
import { QuayError } from '../../shared/quay/errors.ts';
import { createManualClock } from '../../shared/runtime/manual-clock.ts';
import { RunSecrets } from '../../shared/runtime/redact.ts';
import { createAuthority } from '../parts/certificates.ts';
import { clientFor, quickPace, startTestQuay } from './quay-world.ts';

const signal = new AbortController().signal;

async function errorOf(work: Promise<unknown>): Promise<QuayError> {
  const error = await work.then(
    (value) => assert.fail(`no error but ${JSON.stringify(value)}`),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof QuayError, String(error));
  return error;
}

const read = (client: QuayClient) => client.getRobot('robot', signal);
const write = (client: QuayClient) => client.ensureRobot('robot', signal);

test('A.2 the token: unknown, expired, without a scope; an organization that is none', async (t) => {
  const quay = await startTestQuay(t, {
    state: {
      tokens: {
        good: {},
        old: { expired: true },
        narrow: { scopes: ['repo:create'] },
        stranger: { user: 'somebody' },
      },
      organizations: { [ORG]: {} },
    },
  });
  const refused = /the token was refused: it is unknown, expired or revoked/;
  const lacks = /the token lacks a permission, or organization '[a-z-]+' does not exist/;
  const rows = [
    [{ token: 'unknown' }, read, 401, refused],
    [{ token: 'unknown' }, write, 403, refused],
    [{ token: 'old' }, read, 401, refused],
    [{ token: 'old' }, write, 403, refused],
    [{ token: 'narrow' }, read, 403, lacks],
    [{ token: 'narrow' }, write, 403, lacks],
    [{ token: 'stranger' }, write, 403, lacks],
    [{ token: 'good', organization: 'no-such-org' }, write, 403, lacks],
  ] as const;
  for (const [access, work, status, text] of rows) {
    const error = await errorOf(work(clientFor(quay, access)));
    assert.deepEqual([error.kind, error.status, error.retryable], ['configuration', status, false]);
    assert.match(error.message, text);
    assert.doesNotMatch(error.message, /[\r\n]/);
  }
  assert.equal(quay.requests.count(), rows.length, 'none of them is repeated');
});

test('statuses that pass are repeated twice, a write too; a 500 of Quay itself is not', async (t) => {
  const quay = await startTestQuay(t);
  const client = clientFor(quay);
  for (const status of [408, 502, 503, 504, 520]) {
    quay.requests.clear();
    const body = '<html><h1>busy</h1></html>';
    const remove = quay.faults.add({ times: 2, status, body, headers: { 'content-type': 'text/html' } });
    const robot = await write(client);
    assert.equal(robot.name, `${ORG}+robot`);
    assert.ok(quay.requests.count() >= 3, `${status}`);
    remove();
  }
  quay.requests.clear();
  quay.faults.add({ times: 1, status: 500, body: { message: 'Internal Server Error' } });
  const error = await errorOf(read(client));
  assert.deepEqual([error.kind, error.status, quay.requests.count()], ['unavailable', 500, 1]);
});

test('what stays is thrown after three tries, as something that passes', async (t) => {
  const quay = await startTestQuay(t, { faults: [{ status: 502, body: '<html>' }] });
  const error = await errorOf(read(clientFor(quay)));
  assert.deepEqual([error.kind, error.status, error.retryable, error.text], ['unavailable', 502, true, '']);
  assert.equal(quay.requests.count(), 3);
  assert.match(
    error.message,
    /^GET http:\/\/127\.0\.0\.1:\d+\/api\/v1\/organization\/my-org\/robots\/robot: 502 Bad Gateway$/,
  );
});

test('nothing is repeated when less than 5 s of the run are left', async (t) => {
  const quay = await startTestQuay(t, { faults: [{ status: 503 }] });
  const clock = createManualClock();
  const client = clientFor(quay, {}, { clock, deadline: clock.now() + 5000 });
  await errorOf(read(client));
  assert.equal(quay.requests.count(), 1);
});

test('a read-only installation is told by its text and asked once', async (t) => {
  const quay = await startTestQuay(t, { readOnly: true });
  const error = await errorOf(write(clientFor(quay)));
  assert.deepEqual([error.kind, error.status, quay.requests.count()], ['unavailable', 503, 1]);
  assert.match(error.text, /read-only/);
});

test('429 without Retry-After: everybody waits a second, then goes on', async (t) => {
  const clock = createManualClock();
  const pace = quickPace(clock);
  const quay = await startTestQuay(t, { clock, rate: { rps: 1, burst: 1 } });
  const client = clientFor(quay, {}, { clock, pace });
  await read(client);
  const second = read(client);
  while (clock.pending === 0 || quay.requests.count() < 2) await new Promise((done) => setImmediate(done));
  assert.equal(quay.requests.records[1]?.status, 429);
  const other = read(clientFor(quay, {}, { clock, pace }));
  await new Promise((done) => setImmediate(done));
  assert.equal(quay.requests.count(), 2, 'nobody asks while Quay wants to be left alone');
  quay.setRate(undefined);
  while (quay.requests.count() < 4) {
    await new Promise((done) => setImmediate(done));
    clock.advance(100);
  }
  assert.deepEqual(await Promise.all([second, other]), [undefined, undefined]);
});

test('429 with a long Retry-After ends the run, and says when to come again', async (t) => {
  const clock = createManualClock();
  const pace = quickPace(clock);
  const quay = await startTestQuay(t);
  quay.faults.add({ times: 1, status: 429, headers: { 'retry-after': '60' }, body: '<html>' });
  const error = await errorOf(read(clientFor(quay, {}, { clock, pace })));
  assert.deepEqual([error.kind, error.status, error.retryAfterMs], ['throttled', 429, 60_000]);
  const deadline = clock.now() + 30_000;
  const next = await errorOf(read(clientFor(quay, {}, { clock, pace, deadline })));
  assert.deepEqual([next.kind, next.retryAfterMs], ['throttled', 60_000]);
  assert.match(next.message, /not asked: the next turn towards Quay is in 1m0s/);
  assert.equal(quay.requests.count(), 1);
});

test('whoever wants to know is told of each request whether Quay did its part', async (t) => {
  const quay = await startTestQuay(t);
  const told: boolean[] = [];
  const client = clientFor(quay, {}, { onUse: (worked) => told.push(worked) });
  await read(client);
  await errorOf(client.setRole('ns/x', `other+robot`, 'read', signal));
  quay.faults.add({ times: 1, status: 502 });
  await read(client);
  quay.faults.add({ times: 1, status: 403 });
  await errorOf(read(client));
  await errorOf(client.getRepository('No Name', signal));
  assert.deepEqual(told, [true, false, true, false, true, false]);
});

test('a connection that is refused, cut, or never answered passes', async (t) => {
  const quay = await startTestQuay(t);
  const closed = await startTestQuay(t);
  await closed.close();
  const refused = await errorOf(read(clientFor(closed)));
  assert.deepEqual([refused.kind, refused.status], ['unavailable', 0]);
  assert.match(refused.message, /ECONNREFUSED/);

  quay.faults.add({ times: 2, reset: true });
  assert.equal((await write(clientFor(quay))).name, `${ORG}+robot`);

  const clock = createManualClock();
  quay.faults.add({ times: 1, delayMs: Number.POSITIVE_INFINITY });
  quay.requests.clear();
  const silent = errorOf(read(clientFor(quay, {}, { clock })));
  while (quay.requests.count() === 0) await new Promise((done) => setImmediate(done));
  clock.advance(20_000);
  assert.match((await silent).message, /timeout: no answer for 20s/);
});

test('the end of the run ends a request, a pause and a wait for a turn', async (t) => {
  const quay = await startTestQuay(t);
  for (const rule of [
    { delayMs: Number.POSITIVE_INFINITY },
    { status: 429, headers: { 'retry-after': '5' } },
  ]) {
    quay.faults.clear();
    quay.requests.clear();
    quay.faults.add(rule);
    const ending = new AbortController();
    const work = errorOf(clientFor(quay).getRobot('robot', ending.signal));
    while (quay.requests.count() === 0) await new Promise((done) => setImmediate(done));
    ending.abort(new Error('the deadline of the invocation has passed'));
    const error = await work;
    assert.deepEqual([error.kind, error.retryable], ['aborted', false]);
    assert.match(error.message, /the deadline of the invocation has passed/);
  }
});

test('a page of somebody else is no answer of Quay', async (t) => {
  const quay = await startTestQuay(t);
  const html = { body: '<html>hello</html>', headers: { 'content-type': 'text/html; charset=utf-8' } };
  const rows = [
    [{ status: 200, ...html }, 'unavailable', /cannot be read: no JSON/],
    [{ status: 404, ...html }, 'configuration', /is the API URL right/],
    [{ status: 400, ...html }, 'unavailable', /400 Bad Request$/],
    [{ status: 301, headers: { location: 'https://other.example' } }, 'configuration', /Quay redirects/],
    [{ status: 200, body: '{"name":"x"' }, 'unavailable', /cannot be read: no JSON/],
    [{ status: 200, body: { name: 'x' } }, 'unavailable', /unexpected 'token'/],
    [{ status: 200, body: 'null' }, 'unavailable', /unexpected content/],
  ] as const;
  for (const [rule, kind, text] of rows) {
    quay.faults.add({ times: 1, ...rule });
    const error = await errorOf(read(clientFor(quay)));
    assert.equal(error.kind, kind, error.message);
    assert.match(error.message, text);
  }
});

test('a page in the place of an empty answer does not mean that anything was deleted', async (t) => {
  const quay = await startTestQuay(t);
  const client = clientFor(quay);
  const deletions = [
    () => client.deleteRobot('robot', signal),
    () => client.deleteRepository('ns/x', signal),
    () => client.removeRole('ns/x', `${ORG}+robot`, signal),
    () => client.deleteNotification('ns/x', 'uuid', signal),
    () => client.resetNotification('ns/x', 'uuid', signal),
    () => client.deleteTag('ns/x', 'v1', signal),
  ];
  for (const work of deletions) {
    for (const body of ['<html>welcome</html>', '{"cut']) {
      quay.faults.add({ times: 1, status: 200, body });
      const error = await errorOf(work());
      assert.equal(error.kind, 'unavailable');
      assert.match(error.message, /cannot be read: no JSON/);
    }
  }
});

test('C84 a Quay of our own: port, prefix and private CA', async (t) => {
  const authority = await createAuthority('Quay CA');
  const quay = await startTestQuay(t, { tls: await authority.server() });
  const unknown = await errorOf(read(clientFor(quay)));
  assert.deepEqual([unknown.kind, unknown.retryable], ['configuration', false]);
  const trusting = { tls: trustAlso(authority.ca, 'secret', 'ca.crt') };
  assert.equal(await read(clientFor(quay, trusting)), undefined);
  const below = { ...trusting, apiUrl: `${quay.url}/registry/api/v1` };
  assert.equal((await write(clientFor(quay, below))).name, `${ORG}+robot`);
});

test('decisions 10: an address out of reach is never connected to', async (t) => {
  const quay = await startTestQuay(t);
  const settings = {
    'allow-private-addresses': true,
    'allow-loopback-addresses': false,
    'quay-requests-per-second': 2,
  };
  const error = await errorOf(read(clientFor(quay, {}, { settings })));
  assert.equal(error.kind, 'configuration');
  assert.match(error.message, /a loopback address is not allowed here/);
  const metadata = await errorOf(read(clientFor({ apiUrl: 'http://169.254.169.254/api/v1', host: 'x' })));
  assert.match(metadata.message, /metadata/);
  assert.equal(quay.requests.count(), 0);
});

test('C82 the token is in no error, even where Quay quotes it', async (t) => {
  const quay = await startTestQuay(t);
  const secrets = new RunSecrets();
  secrets.add(LOCAL_TOKEN);
  const quoting = { message: `header Authorization: Bearer ${LOCAL_TOKEN} and ${LOCAL_TOKEN}` };
  for (const status of [400, 401, 403, 429, 500]) {
    quay.faults.add({ times: 1, status, body: quoting, headers: { 'retry-after': '99' } });
    const client = clientFor(quay, {}, { scrub: (text) => secrets.scrub(text), pace: quickPace() });
    const error = await errorOf(read(client));
    const shown = `${error.message} ${error.text} ${error.stack} ${JSON.stringify(error)}`;
    assert.ok(!shown.includes(LOCAL_TOKEN), shown);
    assert.match(error.text, /\*\*\*/);
  }
});
