/** The client against the local Quay: every operation and every row of the tables of spec appendix A. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type LocalQuay, LOCAL_ORGANIZATION as ORG } from '../../infra/local/quay/quay.ts';
import type { FaultRule } from '../../infra/local/registry/faults.ts';
import type { QuayClient } from '../../shared/quay/client.ts';
import { QuayError, type QuayErrorKind } from '../../shared/quay/errors.ts';
import { clientFor, startTestQuay } from './quay-world.ts';

const NAME = 'test-ns/my-app/my-component';
const ROBOT = 'test_ns_my_app_101e4e2b63';
const FULL = `${ORG}+${ROBOT}`;
const HOOK = {
  title: 'hook',
  event: 'repo_push',
  method: 'webhook',
  config: { url: 'https://example.com/h' },
};
const signal = new AbortController().signal;

async function world(t: TestContext): Promise<{ quay: LocalQuay; client: QuayClient }> {
  const quay = await startTestQuay(t);
  return { quay, client: clientFor(quay) };
}

function create(client: QuayClient, name = NAME, visibility: 'public' | 'private' = 'public') {
  return client.createRepository({ name, visibility, description: 'text' }, signal);
}

function repositoryOf(quay: LocalQuay, name = NAME) {
  return quay.state.organizations[ORG]!.repositories[name];
}

async function failsWith(work: Promise<unknown>, kind: QuayErrorKind, status: number, message: RegExp) {
  await assert.rejects(work, (error: QuayError) => {
    assert.ok(error instanceof QuayError, String(error));
    assert.deepEqual([error.kind, error.status], [kind, status], error.message);
    assert.match(error.message, message);
    return true;
  });
}

test('A.3.1 create: made as asked, the slashes of the name raw', async (t) => {
  const { quay, client } = await world(t);
  assert.deepEqual(await create(client, NAME, 'private'), { kind: 'created' });
  assert.equal(repositoryOf(quay)?.isPublic, false);
  const [asked] = quay.requests.records;
  assert.deepEqual(asked?.body, {
    namespace: ORG,
    repository: NAME,
    visibility: 'private',
    description: 'text',
  });
  assert.deepEqual(await client.getRepository(NAME, signal), { isPublic: false });
  assert.equal(quay.requests.records[1]?.path, `/api/v1/repository/${ORG}/${NAME}`);
  assert.equal(quay.requests.records[1]?.query, '?includeTags=false');
});

test('A.3.1 create: exists is found before the plan limit', async (t) => {
  const { quay, client } = await world(t);
  await create(client);
  quay.setPrivateLimit(ORG, 0);
  assert.deepEqual(await create(client, NAME, 'private'), { kind: 'exists' });
  assert.deepEqual(await create(client, 'test-ns/other', 'private'), { kind: 'planLimit' });
  assert.deepEqual(await create(client, 'test-ns/other'), { kind: 'created' });
});

test('A.3.1 create: what no time repairs is told with the text of Quay, whichever its shape', async (t) => {
  const { quay, client } = await world(t);
  const rows: [FaultRule, string][] = [
    [
      { status: 400, body: { error_message: 'Could not create repository', status: 400 } },
      'Could not create repository',
    ],
    [{ status: 400, body: { message: 'spam', error_message: 'other' } }, 'spam'],
    [{ status: 400, body: { error: 'low level' } }, 'low level'],
    [{ status: 400, body: { detail: 'a\nlong   line' } }, 'a long line'],
    [{ status: 400, body: { message: null, detail: 'detail' } }, 'detail'],
    [{ status: 409, body: {} }, ''],
  ];
  for (const [rule, text] of rows) {
    quay.faults.add({ method: 'POST', times: 1, ...rule });
    assert.deepEqual(await create(client), { kind: 'refused', status: rule.status, text });
  }
});

test('A.3.1 create: a name that Quay would refuse is not sent', async (t) => {
  const { quay, client } = await world(t);
  for (const name of ['x'.repeat(256), 'Upper', 'a//b', 'a/../b', '', 'a/', '/a']) {
    const result = await create(client, name);
    assert.equal(result.kind, 'refused', name);
    assert.match(
      (result as { text: string }).text,
      name.length > 255 ? /at most 255/ : /no valid Quay repository/,
    );
  }
  assert.equal(quay.requests.count(), 0);
});

test('A.3.1 create: 2xx with a body that cannot be read is verified', async (t) => {
  const { quay, client } = await world(t);
  quay.faults.add({ method: 'POST', times: 1, status: 201, body: 'garbage' });
  await failsWith(create(client), 'unavailable', 201, /cannot be read: no JSON/);
  await create(client);
  quay.faults.add({ method: 'POST', times: 1, status: 201, body: { name: 7 } });
  assert.deepEqual(await create(client), { kind: 'exists' });
});

test('A.3.2 get: absent, and what is no answer to the question', async (t) => {
  const { quay, client } = await world(t);
  assert.equal(await client.getRepository(NAME, signal), undefined);
  quay.faults.add({ times: 1, status: 404, body: '<html>', headers: { 'content-type': 'text/html' } });
  await failsWith(client.getRepository(NAME, signal), 'configuration', 404, /is the API URL right/);
  quay.faults.add({ times: 1, status: 200, body: { is_public: 'yes' } });
  await failsWith(client.getRepository(NAME, signal), 'unavailable', 200, /unexpected 'is_public'/);
  await failsWith(
    client.getRepository('../../organization/x', signal),
    'impossible',
    0,
    /no valid Quay repository/,
  );
});

test('A.3.3 visibility: both ways, the plan limit also for what is private already, null for missing', async (t) => {
  const { quay, client } = await world(t);
  await create(client);
  assert.equal(await client.changeVisibility(NAME, 'private', signal), 'ok');
  assert.equal(repositoryOf(quay)?.isPublic, false);
  quay.setPrivateLimit(ORG, 1);
  assert.equal(await client.changeVisibility(NAME, 'private', signal), 'planLimit');
  assert.equal(await client.changeVisibility(NAME, 'public', signal), 'ok');
  assert.equal(await client.changeVisibility('test-ns/none', 'public', signal), 'missing');
  quay.faults.add({ times: 1, status: 404, body: {} });
  assert.equal(await client.changeVisibility(NAME, 'public', signal), 'missing');
  quay.faults.add({ times: 1, status: 400, body: { error_message: 'schema' } });
  await failsWith(
    client.changeVisibility(NAME, 'public', signal),
    'refused',
    400,
    /400 Bad Request: schema$/,
  );
});

test('A.3.4 delete: also what does not exist', async (t) => {
  const { quay, client } = await world(t);
  await create(client);
  await client.deleteRepository(NAME, signal);
  assert.equal(repositoryOf(quay), undefined);
  await client.deleteRepository(NAME, signal);
  quay.faults.add({ times: 1, status: 404, body: {} });
  await client.deleteRepository(NAME, signal);
  quay.faults.add({ times: 1, status: 400, body: {} });
  await failsWith(client.deleteRepository(NAME, signal), 'refused', 400, /400 Bad Request/);
});

test('A.3.5 and A.3.6 robots: made, found, taken over, absent', async (t) => {
  const { quay, client } = await world(t);
  assert.equal(await client.getRobot(ROBOT, signal), undefined);
  const made = await client.ensureRobot(ROBOT, signal);
  assert.equal(made.name, FULL);
  assert.match(made.token, /^[A-Z0-9]{64}$/);
  assert.deepEqual(await client.getRobot(FULL, signal), made);
  assert.deepEqual(await client.ensureRobot(` ${FULL} `, signal), made);
  quay.faults.add({ method: 'PUT', times: 1, status: 200, body: { name: FULL, token: 'T', created: null } });
  assert.deepEqual(await client.ensureRobot(ROBOT, signal), { name: FULL, token: 'T' });
});

test('A.3.5 robots: refused for good', async (t) => {
  const { quay, client } = await world(t);
  quay.state.organizations[ORG]!.robotsDisabled = true;
  await failsWith(client.ensureRobot(ROBOT, signal), 'impossible', 400, /Robot accounts have been disabled/);
  const asked = quay.requests.count();
  for (const name of ['', 'a+b+c', '+', 'robot+', 'Robot', 'ro@bot', 'a__b', 'a', '../x']) {
    await failsWith(client.ensureRobot(name, signal), 'impossible', 0, /is no valid Quay robot/);
  }
  assert.equal(quay.requests.count(), asked);
});

test('A.3.5 robots: one that exists and is gone a moment later', async (t) => {
  const { quay, client } = await world(t);
  quay.faults.add({ method: 'PUT', status: 400, body: { detail: `Existing robot with name: ${FULL}` } });
  await failsWith(client.ensureRobot(ROBOT, signal), 'unavailable', 0, /exists and cannot be found/);
});

test('A.3.5 robots: claimed and released by their repository alone', async (t) => {
  const { client } = await world(t);
  const made = await client.claimRobot(ROBOT, 'ns-a/one', signal);
  assert.deepEqual(await client.claimRobot(ROBOT, 'ns-a/one', signal), made);
  assert.equal(await client.claimRobot(ROBOT, 'ns/a-one', signal), undefined);
  await client.releaseRobot(ROBOT, 'ns/a-one', signal);
  assert.deepEqual(await client.getRobot(ROBOT, signal), made);
  await client.releaseRobot(ROBOT, 'ns-a/one', signal);
  assert.equal(await client.getRobot(ROBOT, signal), undefined);
  await client.releaseRobot(ROBOT, 'ns-a/one', signal);
  const long = `ns/${'x'.repeat(252)}`;
  const claimed = await client.claimRobot(ROBOT, long, signal);
  assert.deepEqual(await client.claimRobot(ROBOT, long, signal), claimed, 'a description has an end');
});

test('A.3.5 robots: of one that names nobody, its rights tell', async (t) => {
  const { quay, client } = await world(t);
  const robots = quay.state.organizations[ORG]!.robots;
  const strange = { token: 'T', description: 'of another controller', created: '' };
  robots[ROBOT] = strange;
  assert.deepEqual(await client.claimRobot(ROBOT, NAME, signal), { name: FULL, token: 'T' });
  await create(client);
  await client.setRole(NAME, FULL, 'write', signal);
  assert.equal((await client.claimRobot(ROBOT, NAME, signal))?.token, 'T');
  assert.equal(await client.claimRobot(ROBOT, 'ns/other', signal), undefined);
  await client.releaseRobot(ROBOT, 'ns/other', signal);
  assert.ok(robots[ROBOT], 'a repository uses it');
  await client.releaseRobot(ROBOT, NAME, signal);
  assert.equal(robots[ROBOT], undefined);
  robots[ROBOT] = strange;
  quay.faults.add({ path: /\/permissions$/, status: 404, body: {} });
  await client.releaseRobot(ROBOT, NAME, signal);
  assert.equal(robots[ROBOT], undefined, 'a Quay that cannot tell knows of no other');
});

test('A.3.7 delete robot: with its roles, also what does not exist, not what a mirror uses', async (t) => {
  const { quay, client } = await world(t);
  await create(client);
  await client.ensureRobot(ROBOT, signal);
  await client.setRole(NAME, FULL, 'write', signal);
  await client.deleteRobot(ROBOT, signal);
  assert.deepEqual(Object.keys(repositoryOf(quay)!.roles), ['admin']);
  await client.deleteRobot(ROBOT, signal);
  quay.faults.add({ times: 1, status: 404, body: {} });
  await client.deleteRobot(ROBOT, signal);
  await client.ensureRobot(ROBOT, signal);
  quay.state.organizations[ORG]!.robots[ROBOT]!.mirror = true;
  await failsWith(client.deleteRobot(ROBOT, signal), 'refused', 400, /being used by a mirror/);
});

test('A.3.8 regenerate: another token, or no robot', async (t) => {
  const { client } = await world(t);
  assert.equal(await client.regenerateRobot(ROBOT, signal), undefined);
  const before = await client.ensureRobot(ROBOT, signal);
  const after = await client.regenerateRobot(ROBOT, signal);
  assert.notEqual(after?.token, before.token);
  assert.deepEqual(await client.getRobot(ROBOT, signal), after);
});

test('A.3.9 and A.3.10 roles: set, overwritten, taken away; the quirk of a missing repository', async (t) => {
  const { quay, client } = await world(t);
  await create(client);
  await client.ensureRobot(ROBOT, signal);
  await client.setRole(NAME, FULL, 'read', signal);
  await client.setRole(NAME, FULL, 'write', signal);
  assert.equal(repositoryOf(quay)?.roles[FULL], 'write');
  await client.removeRole(NAME, FULL, signal);
  assert.equal(repositoryOf(quay)?.roles[FULL], undefined);
  await client.removeRole(NAME, FULL, signal);
  quay.faults.add({ times: 1, status: 404, body: {} });
  await client.removeRole(NAME, FULL, signal);

  await failsWith(
    client.setRole(NAME, `${ORG}+none`, 'read', signal),
    'refused',
    400,
    /Invalid robot: my-org\+none/,
  );
  await failsWith(
    client.setRole(NAME, `other+none`, 'read', signal),
    'refused',
    400,
    /Cannot add robot other\+none/,
  );
  await failsWith(client.setRole(NAME, 'nobody', 'read', signal), 'refused', 400, /Invalid username: nobody/);
  await failsWith(
    client.setRole('test-ns/none', FULL, 'read', signal),
    'missing',
    500,
    /repository does not exist/,
  );
  quay.faults.add({ method: 'PUT', times: 1, status: 500, body: { message: 'Internal Server Error' } });
  await failsWith(client.setRole(NAME, FULL, 'read', signal), 'unavailable', 500, /Internal Server Error$/);
  await failsWith(client.setRole(NAME, '../x', 'read', signal), 'impossible', 0, /is no valid Quay account/);
});

test('A.3.12 list repositories: page by page', async (t) => {
  const { quay, client } = await world(t);
  const names = Array.from({ length: 205 }, (_, index) => `ns/r${String(index).padStart(3, '0')}`);
  for (const name of names) await create(client, name);
  const found: string[] = [];
  let page: string | undefined;
  let pages = 0;
  do {
    const answer = await client.listRepositories(page, signal);
    found.push(...answer.names);
    page = answer.next;
    pages += 1;
  } while (page !== undefined);
  assert.deepEqual([found, pages], [names, 3]);
  quay.faults.add({ times: 1, status: 200, body: { repositories: [], next_page: 'again' } });
  await failsWith(client.listRepositories('again', signal), 'unavailable', 0, /next page is the one/);
});

test('A.3.13 to A.3.17 notifications: made, listed, reset, deleted', async (t) => {
  const { quay, client } = await world(t);
  assert.deepEqual(await client.listNotifications(NAME, signal), [], 'of a repository that does not exist');
  await create(client);
  const made = await client.createNotification(NAME, HOOK, signal);
  assert.deepEqual(made, { ...HOOK, uuid: made.uuid, numberOfFailures: 0 });
  assert.deepEqual(await client.listNotifications(NAME, signal), [made]);
  repositoryOf(quay)!.notifications[0]!.failures = 3;
  await client.resetNotification(NAME, made.uuid, signal);
  assert.equal(repositoryOf(quay)!.notifications[0]!.failures, 0);
  await client.deleteNotification(NAME, made.uuid, signal);
  assert.deepEqual(repositoryOf(quay)!.notifications, []);
  await client.deleteNotification(NAME, made.uuid, signal);
  await client.resetNotification(NAME, made.uuid, signal);
});

test('A.3.14 create notification: refused, missing, and what Quay breaks over', async (t) => {
  const { client } = await world(t);
  await create(client);
  const rows: [object, RegExp][] = [
    [{ config: {} }, /Missing webhook URL/],
    [{ config: { url: 'ftp://example.com' } }, /Invalid webhook URL/],
    [{ config: { url: 'http://localhost/x' } }, /Invalid webhook URL/],
    [{ method: 'email', config: {} }, /Missing e-mail address/],
    [{ method: 'email', config: { email: 'a@b.c' } }, /is not authorized/],
  ];
  for (const [change, text] of rows) {
    await failsWith(client.createNotification(NAME, { ...HOOK, ...change }, signal), 'refused', 400, text);
  }
  const strange = client.createNotification(NAME, { ...HOOK, event: 'strange' }, signal);
  await failsWith(strange, 'unavailable', 500, /Internal Server Error/);
  await failsWith(
    client.createNotification('ns/none', HOOK, signal),
    'unavailable',
    500,
    /Internal Server Error/,
  );
});

test('A.3.14 create notification: a lost answer makes no second one', async (t) => {
  const { quay, client } = await world(t);
  await create(client);
  quay.faults.add({ method: 'POST', path: /notification/, times: 1, reset: true });
  const made = await client.createNotification(NAME, HOOK, signal);
  assert.deepEqual(await client.listNotifications(NAME, signal), [made]);
  quay.faults.add({ method: 'POST', path: /notification/, times: 1, status: 502 });
  const other = await client.createNotification(NAME, { ...HOOK, title: 'other' }, signal);
  assert.deepEqual(await client.listNotifications(NAME, signal), [made, other]);
});

test('A.4.2 tags and manifests', async (t) => {
  const { quay, client } = await world(t);
  await failsWith(client.listTags(NAME, 1, signal), 'missing', 404, /Not Found/);
  await create(client);
  const digest = `sha256:${'0'.repeat(64)}`;
  for (let index = 0; index < 101; index++) await quay.push(ORG, NAME, `v${index}`, digest);
  const [first, second] = [await client.listTags(NAME, 1, signal), await client.listTags(NAME, 2, signal)];
  assert.deepEqual([first.tags.length, first.more, second.tags.length, second.more], [100, true, 1, false]);
  assert.deepEqual(first.tags[0], { name: 'v0', digest });
  await client.deleteTag(NAME, 'v0', signal);
  await client.deleteTag(NAME, 'v0', signal);
  assert.equal(repositoryOf(quay)!.tags.v0, undefined);
  assert.equal(await client.manifestExists(NAME, digest, signal), true);
  assert.equal(await client.manifestExists(NAME, digest.replaceAll('0', '1'), signal), false);
  quay.faults.add({ times: 1, status: 409, body: { detail: 'immutable' } });
  await failsWith(client.deleteTag(NAME, 'v1', signal), 'refused', 409, /409 Conflict: immutable/);
});
