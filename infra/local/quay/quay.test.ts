import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createManualClock } from '../../../shared/runtime/manual-clock.ts';
import { LOCAL_TOKEN, type LocalQuay, LOCAL_ORGANIZATION as ORG, startQuay } from './quay.ts';

const NAME = 'test-ns/app';
const DIGEST = `sha256:${'0'.repeat(64)}`;

async function start(t: TestContext, options: Partial<Parameters<typeof startQuay>[0]> = {}) {
  const quay = await startQuay({ port: 0, ...options });
  t.after(() => quay.close());
  return { quay, api: apiOf(quay), control: controlOf(quay) };
}

function apiOf(quay: LocalQuay, token: string | undefined = LOCAL_TOKEN) {
  return async (method: string, path: string, body?: object) => {
    const headers: Record<string, string> = { 'content-type': 'application/json' };
    if (token) headers.authorization = `Bearer ${token}`;
    const init = { method, headers, body: body && JSON.stringify(body), redirect: 'manual' } as const;
    const answer = await fetch(`${quay.apiUrl}/${path}`, init);
    const text = await answer.text();
    const json = answer.headers.get('content-type') === 'application/json';
    return { status: answer.status, headers: answer.headers, body: json ? JSON.parse(text) : text };
  };
}

function controlOf(quay: LocalQuay) {
  return async (method: string, path: string, body?: object) => {
    const answer = await fetch(`${quay.url}/__fake/${path}`, { method, body: body && JSON.stringify(body) });
    const text = await answer.text();
    return { status: answer.status, body: text === '' ? undefined : JSON.parse(text) };
  };
}

const repository = { namespace: ORG, repository: NAME, visibility: 'public', description: 'text' };

test('errors have the three shapes of Quay', async (t) => {
  const { quay, api } = await start(t);
  await api('POST', 'repository', repository);
  const exists = await api('POST', 'repository', repository);
  assert.deepEqual(
    [
      exists.status,
      exists.body.error_message,
      exists.body.detail,
      exists.body.error_type,
      exists.body.status,
    ],
    [400, 'Repository already exists', 'Repository already exists', 'invalid_request', 400],
  );
  const robot = await api('GET', `organization/${ORG}/robots/none`);
  assert.deepEqual(
    [robot.status, robot.body],
    [400, { message: 'Could not find robot with specified username' }],
  );
  const anonymous = apiOf(quay, '');
  const read = await anonymous('GET', `organization/${ORG}/robots/none`);
  assert.deepEqual([read.status, read.body.error_type], [401, 'invalid_token']);
  const write = await anonymous('POST', 'repository', repository);
  assert.deepEqual([write.status, write.body], [403, { error: 'CSRF token was invalid or missing.' }]);
  assert.equal(
    (await anonymous('GET', `repository/${ORG}/${NAME}`)).status,
    200,
    'everybody reads what is public',
  );
});

test('creation asks for its members, in the order of Quay', async (t) => {
  const { api, quay } = await start(t);
  const rows: [object | undefined, RegExp][] = [
    [undefined, /Missing JSON body/],
    [{ repository: 'x', visibility: 'public' }, /'description' is a required property/],
    [{ ...repository, visibility: 'secret' }, /'secret' is not one of \['public', 'private'\]/],
    [{ ...repository, repository: 'Upper' }, /Invalid repository name/],
    [{ ...repository, description: null }, /null is not of type 'string'/],
  ];
  for (const [body, text] of rows) {
    const answer = await api('POST', 'repository', body);
    assert.equal(answer.status, 400);
    assert.match(answer.body.error_message, text);
  }
  quay.setPrivateLimit(ORG, 0);
  const both = await api('POST', 'repository', { ...repository, repository: 'Upper', visibility: 'private' });
  assert.equal(both.status, 402, 'the plan is looked at before the name');
  const stranger = await api('POST', 'repository', { ...repository, namespace: 'no-such-org' });
  assert.deepEqual([stranger.status, stranger.body.error_type], [403, 'insufficient_scope']);
});

test('routes with a slash at their end: reads find them without it, writes are sent there', async (t) => {
  const { api } = await start(t);
  await api('POST', 'repository', repository);
  assert.equal((await api('GET', `repository/${ORG}/${NAME}/notification`)).status, 200);
  const moved = await api('POST', `repository/${ORG}/${NAME}/notification`, {});
  assert.deepEqual([moved.status, moved.headers.get('location')], [308, 'notification/']);
  assert.equal((await api('PATCH', `repository/${ORG}/${NAME}`)).status, 405);
  assert.equal((await api('GET', 'nothing/here')).status, 404);
});

test('roles and robots are listed', async (t) => {
  const { api } = await start(t);
  await api('POST', 'repository', repository);
  const made = await api('PUT', `organization/${ORG}/robots/robot`, { description: 'd' });
  assert.match(made.body.token, /^[A-Z0-9]{64}$/);
  assert.match(made.body.created, /^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d -0000$/);
  await api('PUT', `repository/${ORG}/${NAME}/permissions/user/${ORG}%2Brobot`, { role: 'read' });
  const roles = await api('GET', `repository/${ORG}/${NAME}/permissions/user/`);
  const full = `${ORG}+robot`;
  assert.deepEqual(roles.body.permissions[full], {
    role: 'read',
    name: full,
    is_robot: true,
    is_org_member: true,
  });
  const robots = await api('GET', `organization/${ORG}/robots?token=true&permissions=false`);
  assert.deepEqual(robots.body.robots, [made.body]);
});

test('a push tells the webhooks, and no more after three failures', async (t) => {
  const { quay, api } = await start(t);
  const received: unknown[] = [];
  let status = 200;
  const hook = createServer(async (request, response) => {
    const chunks = await request.toArray();
    received.push(JSON.parse(Buffer.concat(chunks).toString()));
    response.writeHead(status).end();
  }).listen(0, '127.0.0.1');
  t.after(() => hook.close());
  await new Promise((resolve) => hook.once('listening', resolve));
  await api('POST', 'repository', repository);
  const url = `http://127.0.0.1:${(hook.address() as AddressInfo).port}/`;
  const { notifications } = quay.state.organizations[ORG]!.repositories[NAME]!;
  notifications.push({
    uuid: 'u',
    title: 't',
    event: 'repo_push',
    method: 'webhook',
    config: { url },
    failures: 0,
  });
  await quay.push(ORG, NAME, 'v1', DIGEST);
  assert.deepEqual(received, [
    {
      name: `${ORG}/${NAME}`,
      repository: `${ORG}/${NAME}`,
      docker_url: `${quay.host}/${ORG}/${NAME}`,
      updated_tags: ['v1'],
    },
  ]);
  status = 500;
  for (let count = 0; count < 5; count++) await quay.push(ORG, NAME, 'v2', DIGEST);
  assert.deepEqual([received.length, notifications[0]?.failures], [4, 3]);
});

test('above the rate: 429 with a page of HTML', async (t) => {
  const clock = createManualClock();
  const { api } = await start(t, { clock, rate: { rps: 5, burst: 2 } });
  const ask = () => api('GET', `organization/${ORG}/robots`);
  const statuses = [(await ask()).status, (await ask()).status];
  const refused = await ask();
  clock.advance(200);
  statuses.push((await ask()).status);
  assert.deepEqual(statuses, [200, 200, 200]);
  assert.deepEqual([refused.status, refused.headers.get('retry-after')], [429, null]);
  assert.match(refused.body, /^<html>/);
});

test('the control API: state, journal, plan, faults, rate, push, reset', async (t) => {
  const { quay, api, control } = await start(t);
  assert.equal((await control('POST', 'plan', { org: ORG, privateLimit: 0 })).status, 204);
  assert.equal((await api('POST', 'repository', { ...repository, visibility: 'private' })).status, 402);
  await control('POST', 'plan', { org: ORG });
  assert.equal((await api('POST', 'repository', { ...repository, visibility: 'private' })).status, 201);
  await control('POST', 'push', { org: ORG, repo: NAME, tag: 'v1', digest: DIGEST });
  const { body: state } = await control('GET', 'state');
  assert.deepEqual(state.organizations[ORG].repositories[NAME].tags, { v1: DIGEST });
  assert.deepEqual(state, JSON.parse(JSON.stringify(quay.state)));

  const match = { method: 'GET', pathRegex: 'robots$' };
  await control('POST', 'fault', {
    match,
    times: 1,
    respond: { status: 503, body: 'busy', headers: { 'content-type': 'text/plain' } },
  });
  const spoilt = await api('GET', `organization/${ORG}/robots`);
  assert.deepEqual([spoilt.status, spoilt.body], [503, 'busy']);
  assert.equal((await api('GET', `organization/${ORG}/robots`)).status, 200);
  await control('POST', 'fault', { match: { method: 'PUT' }, times: 1, respond: { abort: true } });
  await assert.rejects(api('PUT', `organization/${ORG}/robots/robot`));
  assert.equal((await api('GET', `organization/${ORG}/robots/robot`)).status, 200, 'done, its answer lost');

  await control('POST', 'rate', { rps: 1, burst: 1 });
  const statuses = [await api('GET', 'repository?public=true'), await api('GET', 'repository?public=true')];
  assert.equal(statuses[1]?.status, 429);
  await control('POST', 'rate');

  const { body: journal } = await control('GET', 'requests?since=1');
  assert.deepEqual(
    [journal[0].method, journal[0].path, journal[0].status, journal[0].body.visibility],
    ['POST', '/api/v1/repository', 201, 'private'],
  );
  assert.match(journal[0].time, /^\d{4}-.*Z$/);
  assert.ok(!JSON.stringify(journal).includes(LOCAL_TOKEN));

  const bad = await control('POST', 'plan', { org: 7 });
  assert.equal(bad.status, 400);
  assert.match(bad.body.message, /org/);
  assert.equal((await control('POST', 'plan', { org: 'none' })).status, 400);
  assert.equal((await control('GET', 'nothing')).status, 404);

  await control('POST', 'reset', {
    tokens: { other: { scopes: ['repo:create'] } },
    organizations: { org2: {} },
  });
  assert.deepEqual(Object.keys(quay.state.organizations), ['org2']);
  assert.equal((await api('POST', 'repository', repository)).status, 403);
  const created = await apiOf(quay, 'other')('POST', 'repository', { ...repository, namespace: 'org2' });
  assert.equal(created.status, 201);
  assert.equal(quay.requests.count(), 2, 'the journal begins anew');
});

test('what was made is there after a restart', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'local-quay-'));
  t.after(() => rm(folder, { recursive: true }));
  const dataFile = join(folder, 'quay', 'state.json');
  const first = await startQuay({ port: 0, dataFile });
  await apiOf(first)('POST', 'repository', repository);
  const { body: robot } = await apiOf(first)('PUT', `organization/${ORG}/robots/robot`);
  await first.close();
  const { api } = await start(t, { dataFile });
  assert.equal((await api('GET', `repository/${ORG}/${NAME}`)).status, 200);
  assert.equal((await api('GET', `organization/${ORG}/robots/robot`)).body.token, robot.token);
});

test('a file that is damaged is named', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'local-quay-'));
  t.after(() => rm(folder, { recursive: true }));
  const dataFile = join(folder, 'state.json');
  await writeFile(dataFile, '{');
  await assert.rejects(startQuay({ port: 0, dataFile }), {
    message: `${dataFile} is damaged: remove it, and the local Quay begins anew`,
  });
});
