import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Clock } from '../../../shared/runtime/clock.ts';
import type { RegistryAuth } from './auth.ts';
import { startRegistry } from './registry.ts';

const USERS = { ann: 'secret-a', bob: 'secret:b' };

async function start(t: TestContext, auth: Partial<RegistryAuth>, clock?: Clock) {
  const registry = await startRegistry({
    port: 0,
    auth: { scheme: 'bearer', users: USERS, ...auth },
    ...(clock ? { clock } : {}),
  });
  t.after(() => registry.close());
  await registry.push('open/app', '1.0');
  await registry.push('team/app', '1.0');
  const get = (path: string, authorization?: string) =>
    fetch(registry.url + path, { headers: authorization === undefined ? {} : { authorization } });
  const status = async (path: string, authorization?: string) => (await get(path, authorization)).status;
  return { registry, get, status };
}

function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

async function tokenOf(response: Response) {
  assert.equal(response.status, 200);
  return (await response.json()) as {
    token: string;
    refresh_token?: string;
    scope: string;
    expires_in: number;
  };
}

const TAGS = '/v2/team/app/tags/list';
const SCOPE = 'scope=repository:team/app:pull&service=longshore-local';

test('Basic: users of the list come in, others get the challenge', async (t) => {
  const { get, status } = await start(t, { scheme: 'basic' });
  for (const path of ['/v2/', TAGS]) {
    const refused = await get(path);
    assert.equal(refused.status, 401);
    assert.equal(refused.headers.get('www-authenticate'), 'Basic realm="longshore-local"');
    assert.equal(await status(path, basic('ann', 'secret-a')), 200);
    assert.equal(await status(path, basic('bob', 'secret:b')), 200, 'a colon in the password');
    assert.equal(await status(path, basic('ann', 'secret:b')), 401);
    assert.equal(await status(path, basic('constructor', '')), 401);
    assert.equal(await status(path, 'Bearer x'), 401);
  }
});

test('Basic: a user who may not gets 403', async (t) => {
  const { get } = await start(t, { scheme: 'basic', allow: ({ user }) => user === 'ann' });
  const refused = await get(TAGS, basic('bob', 'secret:b'));
  assert.equal(refused.status, 403);
  const body = (await refused.json()) as { errors: { code: string; message: string }[] };
  assert.deepEqual(body.errors, [{ code: 'DENIED', message: 'bob may not pull team/app' }]);
});

test('Bearer: the challenge names realm, service and scope; the realm gives a token for them', async (t) => {
  const { registry, get, status } = await start(t, {});
  const ping = await get('/v2/');
  assert.equal(
    ping.headers.get('www-authenticate'),
    `Bearer realm="${registry.url}/token",service="longshore-local"`,
  );
  const challenge = (await get(TAGS)).headers.get('www-authenticate');
  assert.match(challenge!, /,scope="repository:team\/app:pull"$/);
  const { token, expires_in } = await tokenOf(await get(`/token?${SCOPE}`, basic('ann', 'secret-a')));
  assert.equal(expires_in, 300);
  assert.equal(await status(TAGS, `Bearer ${token}`), 200);
  assert.equal(await status('/v2/', `Bearer ${token}`), 200);
  const elsewhere = await get('/v2/open/app/tags/list', `Bearer ${token}`);
  assert.equal(elsewhere.status, 401);
  assert.match(elsewhere.headers.get('www-authenticate')!, /error="insufficient_scope"$/);
  const wrong = await get(`/token?${SCOPE}`, basic('ann', 'nope'));
  assert.equal(wrong.status, 401);
  assert.match(wrong.headers.get('www-authenticate')!, /^Basic /);
});

test('Bearer: a token grants no more than its user may', async (t) => {
  const allow: RegistryAuth['allow'] = ({ user, repository, action }) =>
    user === 'ann' || (action === 'pull' && repository.startsWith('open/'));
  const { get, status } = await start(t, { allow });
  const scopes =
    'scope=repository:team/app:pull,push&scope=repository:open/app:pull,push&scope=registry:catalog:*';
  const anonymous = await tokenOf(await get(`/token?${scopes}`));
  assert.equal(anonymous.scope, 'repository:open/app:pull');
  assert.equal(await status('/v2/open/app/tags/list', `Bearer ${anonymous.token}`), 200);
  assert.equal(await status(TAGS, `Bearer ${anonymous.token}`), 401);
  assert.equal(await status('/v2/open/app/tags/list'), 200, 'what anybody may needs no token');
  const ann = await tokenOf(await get(`/token?${scopes}`, basic('ann', 'secret-a')));
  assert.equal(ann.scope, 'repository:team/app:pull,push repository:open/app:pull,push');
});

test('Bearer: a token ends with its time, or when it is revoked', async (t) => {
  let now = Date.parse('2026-01-01T00:00:00Z');
  const clock: Clock = { now: () => now, after: () => () => {} };
  const { registry, get, status } = await start(t, { tokenSeconds: 60 }, clock);
  const first = await tokenOf(await get(`/token?${SCOPE}`, basic('ann', 'secret-a')));
  now += 59_000;
  assert.equal(await status(TAGS, `Bearer ${first.token}`), 200);
  now += 1000;
  const ended = await get(TAGS, `Bearer ${first.token}`);
  assert.equal(ended.status, 401);
  assert.match(ended.headers.get('www-authenticate')!, /error="invalid_token"/);
  const second = await tokenOf(await get(`/token?${SCOPE}`, basic('ann', 'secret-a')));
  registry.revokeTokens();
  assert.equal(await status(TAGS, `Bearer ${second.token}`), 401);
});

test('Bearer: identity tokens and passwords are exchanged by POST', async (t) => {
  const { registry, get, status } = await start(t, { identityTokens: { 'identity-1': 'ann' } });
  const post = (form: Record<string, string>) =>
    fetch(`${registry.url}/token`, { method: 'POST', body: new URLSearchParams(form) });
  const scope = 'repository:team/app:pull';
  const known = await tokenOf(
    await post({
      grant_type: 'refresh_token',
      refresh_token: 'identity-1',
      scope,
      service: 'longshore-local',
    }),
  );
  assert.equal(await status(TAGS, `Bearer ${known.token}`), 200);
  const password = await tokenOf(
    await post({
      grant_type: 'password',
      username: 'bob',
      password: 'secret:b',
      access_type: 'offline',
      scope,
    }),
  );
  const refreshed = await tokenOf(
    await post({ grant_type: 'refresh_token', refresh_token: password.refresh_token!, scope }),
  );
  assert.equal(await status(TAGS, `Bearer ${refreshed.token}`), 200);
  const offline = await tokenOf(await get(`/token?${SCOPE}&offline_token=true`, basic('ann', 'secret-a')));
  assert.ok(offline.refresh_token);
  assert.equal((await post({ grant_type: 'refresh_token', refresh_token: 'unknown', scope })).status, 401);
  assert.equal((await post({ grant_type: 'magic' })).status, 400);
});

test('Bearer: a realm may know GET only', async (t) => {
  const { registry } = await start(t, { tokenPost: false });
  assert.equal((await fetch(`${registry.url}/token`, { method: 'POST' })).status, 405);
});

test('a blob is not mounted from a repository that the caller may not read', async (t) => {
  const allow: RegistryAuth['allow'] = ({ repository }) => repository.startsWith('open/');
  const { registry, get } = await start(t, { allow });
  const manifest = await get('/v2/open/app/manifests/1.0');
  const { config } = (await manifest.json()) as { config: { digest: string } };
  const mount = async (from: string) => {
    const path = `/v2/open/copy/blobs/uploads/?mount=${config.digest}&from=${from}`;
    return (await fetch(registry.url + path, { method: 'POST' })).status;
  };
  assert.equal(await mount('team/app'), 202);
  assert.equal(await mount('open/app'), 201);
});
