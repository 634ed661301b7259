/** What only the embedded control plane does: it restarts, ends, collects garbage, and can be told the time. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, test } from 'node:test';
import { createTransport, type KubeTransport } from '../../../shared/kube/transport.ts';
import type { Clock } from '../../../shared/runtime/clock.ts';
import { type ApiServer, startApiServer } from './api-server.ts';

const MERGE = 'application/merge-patch+json';
const REPOSITORIES = '/apis/image.toolkit.fluxcd.io/v1/namespaces/default/imagerepositories';
const CORE = '/api/v1/namespaces/default';

/** A clock that stands still until it is moved. */
class ManualClock implements Clock {
  #now = Date.parse('2026-01-01T00:00:00Z');
  #timers = new Set<{ at: number; callback: () => void }>();

  now(): number {
    return this.#now;
  }

  after(ms: number, callback: () => void): () => void {
    const timer = { at: this.#now + ms, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  move(ms: number): void {
    this.#now += ms;
    for (const timer of [...this.#timers]) {
      if (timer.at > this.#now || !this.#timers.delete(timer)) continue;
      timer.callback();
    }
  }
}

let folder: string;
let clock: ManualClock;
let server: ApiServer;
let transport: KubeTransport;

async function start(): Promise<void> {
  server = await startApiServer({ port: 0, dataFolder: folder, clock });
  transport = createTransport(server.endpoint);
}

async function stop(): Promise<void> {
  transport.close();
  await server.close();
}

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'longshore-plane-'));
  clock = new ManualClock();
  await start();
});

afterEach(async () => {
  await stop();
  await rm(folder, { recursive: true });
});

// biome-ignore lint/suspicious/noExplicitAny: answers of any shape, looked at by assertions
async function ask(method: 'GET' | 'POST' | 'PATCH' | 'DELETE', at: string, body?: object): Promise<any> {
  const contentType = method === 'PATCH' ? MERGE : 'application/json';
  const content = body && { body: JSON.stringify(body), contentType };
  const reply = await transport.request({ method, path: at, ...content });
  return { status: reply.status, ...JSON.parse(reply.body.toString()) };
}

function repository(name: string, metadata: object = {}): object {
  const spec = { image: 'ghcr.io/org/app', interval: '5m' };
  return {
    apiVersion: 'image.toolkit.fluxcd.io/v1',
    kind: 'ImageRepository',
    metadata: { name, ...metadata },
    spec,
  };
}

async function watch(query: string) {
  const { body } = await transport.open({ path: `${REPOSITORIES}?watch=true&${query}` });
  body.on('error', () => {});
  const lines = createInterface({ input: body })[Symbol.asyncIterator]();
  return async () => {
    const { value, done } = await lines.next();
    return done ? { type: 'END' } : JSON.parse(value);
  };
}

test('after a restart: the same CA and token, the same objects, versions that go on growing', async () => {
  const { metadata } = await ask('POST', REPOSITORIES, repository('kept'));
  await ask('POST', REPOSITORIES, repository('deleted'));
  const { metadata: removed } = await ask('PATCH', `${REPOSITORIES}/deleted`, { spec: { suspend: true } });
  await ask('DELETE', `${REPOSITORIES}/deleted`);
  await ask('POST', `${CORE}/serviceaccounts`, { metadata: { name: 'robot' } });
  const token = await ask('POST', `${CORE}/serviceaccounts/robot/token`, { spec: {} });
  const { ca, token: admin } = server.endpoint;
  await stop();
  await start();
  assert.equal(server.endpoint.ca, ca);
  assert.equal(server.endpoint.token, admin);
  const kept = await ask('GET', `${REPOSITORIES}/kept`);
  assert.deepEqual(kept.metadata, metadata);
  assert.equal((await ask('GET', `${REPOSITORIES}/deleted`)).reason, 'NotFound');
  const next = await ask('POST', REPOSITORIES, repository('next'));
  assert.ok(Number(next.metadata.resourceVersion) > Number(removed.resourceVersion) + 1);
  const robot = createTransport({ ...server.endpoint, token: token.status.token });
  assert.equal((await robot.request({ method: 'GET', path: REPOSITORIES })).status, 200);
  robot.close();
});

test('a watch from before the restart is told to list again', async () => {
  const { metadata } = await ask('POST', REPOSITORIES, repository('a'));
  await stop();
  await start();
  const next = await watch(`resourceVersion=${metadata.resourceVersion}`);
  assert.equal((await next()).object.code, 410);
});

test('only the owner can read what is stored', async () => {
  for (const file of await readdir(folder)) {
    const { mode } = await stat(path.join(folder, file));
    assert.equal(mode & 0o077, 0, file);
  }
});

test('the kubeconfig leads to the server', () => {
  assert.match(server.kubeconfig, new RegExp(`server: ${server.url}`));
  assert.match(server.kubeconfig, /certificate-authority-data: /);
});

test('a port that is taken is refused, and the data stay usable', async () => {
  const port = Number(new URL(server.url).port);
  const other = await mkdtemp(path.join(tmpdir(), 'longshore-plane-'));
  await assert.rejects(startApiServer({ port, dataFolder: other }), { code: 'EADDRINUSE' });
  await rm(other, { recursive: true });
});

test('closing ends watches', async () => {
  const next = await watch('resourceVersion=0');
  await server.close();
  assert.equal((await next()).type, 'END');
});

test('bookmarks come every minute, and before the end that was asked for', async () => {
  const next = await watch('allowWatchBookmarks=true&timeoutSeconds=90');
  clock.move(60_000);
  const bookmark = await next();
  assert.equal(bookmark.type, 'BOOKMARK');
  const { metadata } = await ask('POST', REPOSITORIES, repository('a'));
  assert.equal((await next()).type, 'ADDED');
  clock.move(30_000);
  const last = await next();
  assert.equal(last.type, 'BOOKMARK');
  assert.equal(last.object.metadata.resourceVersion, metadata.resourceVersion);
  assert.equal((await next()).type, 'END');
});

test('a token ends at its time, and with its account', async () => {
  await ask('POST', `${CORE}/serviceaccounts`, { metadata: { name: 'robot' } });
  const issue = () =>
    ask('POST', `${CORE}/serviceaccounts/robot/token`, { spec: { expirationSeconds: 600 } });
  const statusWith = async (token: string) => {
    const robot = createTransport({ ...server.endpoint, token });
    const { status } = await robot.request({ method: 'GET', path: REPOSITORIES });
    robot.close();
    return status;
  };
  const first = (await issue()).status.token;
  clock.move(599_000);
  assert.equal(await statusWith(first), 200);
  clock.move(1_000);
  assert.equal(await statusWith(first), 401);
  const second = (await issue()).status.token;
  assert.equal(await statusWith(second.replace(/.$/, (last: string) => (last === 'A' ? 'B' : 'A'))), 401);
  await ask('DELETE', `${CORE}/serviceaccounts/robot`);
  assert.equal(await statusWith(second), 401);
});

test('a deleted namespace takes its contents along, and waits for finalizers', async () => {
  await ask('POST', '/api/v1/namespaces', { metadata: { name: 'ending' } });
  await ask('POST', '/api/v1/namespaces/ending/secrets', { metadata: { name: 'a' } });
  const inside = REPOSITORIES.replace('default', 'ending');
  await ask('POST', inside, repository('free'));
  await ask('POST', inside, repository('held', { finalizers: ['finalizers.fluxcd.io'] }));
  await ask('DELETE', '/api/v1/namespaces/ending');
  assert.equal((await ask('GET', `${inside}/free`)).status, 'Failure');
  assert.equal((await ask('GET', '/api/v1/namespaces/ending/secrets/a')).code, 404);
  assert.ok((await ask('GET', `${inside}/held`)).metadata.deletionTimestamp);
  await stop();
  await start();
  assert.equal((await ask('GET', '/api/v1/namespaces/ending')).metadata.name, 'ending');
  await ask('PATCH', `${inside}/held`, { metadata: { finalizers: null } });
  assert.equal((await ask('GET', '/api/v1/namespaces/ending')).code, 404);
});

test('what belongs to a deleted object goes too, unless another owner is left or it is orphaned', async () => {
  const owner = async (name: string) => {
    const { metadata, apiVersion, kind } = await ask('POST', REPOSITORIES, repository(name));
    return { apiVersion, kind, name, uid: metadata.uid };
  };
  const [first, second, third] = [await owner('first'), await owner('second'), await owner('third')];
  const secret = (name: string, ownerReferences: object[]) =>
    ask('POST', `${CORE}/secrets`, { metadata: { name, ownerReferences } });
  await secret('one', [first]);
  await secret('two', [first, second]);
  await secret('three', [third]);
  await ask('DELETE', `${REPOSITORIES}/first`);
  assert.equal((await ask('GET', `${CORE}/secrets/one`)).code, 404);
  assert.deepEqual((await ask('GET', `${CORE}/secrets/two`)).metadata.ownerReferences, [second]);
  await ask('DELETE', `${REPOSITORIES}/third`, { propagationPolicy: 'Orphan' });
  assert.equal((await ask('GET', `${CORE}/secrets/three`)).metadata.ownerReferences, undefined);
});

test('a page whose list was pushed out by newer ones is gone: 410', async () => {
  for (const name of ['a', 'b']) await ask('POST', REPOSITORIES, repository(name));
  const first = await ask('GET', `${REPOSITORIES}?limit=1`);
  for (let i = 0; i < 50; i++) await ask('GET', `${REPOSITORIES}?limit=1`);
  const late = await ask('GET', `${REPOSITORIES}?limit=1&continue=${first.metadata.continue}`);
  assert.deepEqual([late.code, late.reason], [410, 'Expired']);
});

test('what is not served is named', async () => {
  const missing = await ask('GET', '/apis/apps/v1/namespaces/default/deployments');
  assert.equal(missing.code, 404);
  assert.match(missing.message, /apps\/v1\/namespaces\/default\/deployments is not served/);
  const refused = await ask('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {});
  assert.equal(refused.code, 405);
  assert.match(refused.message, /customresourcedefinitions/);
});

test('a body that is too large, and Protobuf that is damaged', async () => {
  const huge = { metadata: { name: 'a' }, data: { a: 'x'.repeat(3 * 1024 * 1024) } };
  assert.equal((await ask('POST', `${CORE}/configmaps`, huge)).code, 413);
  for (const body of ['', 'k8s\0\u0001', 'not protobuf', `k8s\0${'\u0000'.repeat(20)}`]) {
    const contentType = 'application/vnd.kubernetes.protobuf';
    const reply = await transport.request({ method: 'POST', path: `${CORE}/secrets`, body, contentType });
    assert.equal(reply.status, 400, JSON.stringify(body));
  }
});

test('a member named __proto__ changes nothing', async () => {
  await ask('POST', REPOSITORIES, repository('plain'));
  for (const name of ['__proto__', '\\u005f_proto__']) {
    const body = `{"spec": {"${name}": {"suspend": true}}, "${name}": {"spec": {"interval": "1s"}}}`;
    const request = { method: 'PATCH' as const, path: `${REPOSITORIES}/plain`, body, contentType: MERGE };
    const { spec } = JSON.parse((await transport.request(request)).body.toString());
    assert.deepEqual([spec.suspend, spec.interval], [undefined, '5m']);
  }
});
