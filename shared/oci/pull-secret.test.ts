import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseImageName } from './image-name.ts';
import { findCredential, isPullSecret } from './pull-secret.ts';

const IMAGE = parseImageName('ghcr.io/org/app');
const base64 = (text: string) => Buffer.from(text).toString('base64');

function dockerConfig(content: unknown) {
  return secret('kubernetes.io/dockerconfigjson', '.dockerconfigjson', content);
}

function secret(type: string, key: string, content: unknown) {
  const text = typeof content === 'string' ? content : JSON.stringify(content);
  return { namespace: 'apps', name: 'pull', type, data: { [key]: Buffer.from(text) } };
}

const ABSENT = {
  username: undefined,
  password: undefined,
  identityToken: undefined,
  registryToken: undefined,
};

test('both types of pull secrets are read', () => {
  const entry = { 'ghcr.io': { auth: base64('user:pass:word') } };
  const expected = { ...ABSENT, username: 'user', password: 'pass:word' };
  assert.deepEqual(findCredential(dockerConfig({ auths: entry }), IMAGE), expected);
  assert.deepEqual(findCredential(secret('kubernetes.io/dockercfg', '.dockercfg', entry), IMAGE), expected);
});

test('members of an entry (IR-KEY-2)', () => {
  const find = (entry: unknown) => findCredential(dockerConfig({ auths: { 'ghcr.io': entry } }), IMAGE);
  assert.deepEqual(find({ auth: base64('a:b').replace(/=+$/, ''), username: 'x', password: 'y' }), {
    ...ABSENT,
    username: 'a',
    password: 'b',
  });
  assert.deepEqual(find({ Username: 'x', Password: 'y' }), { ...ABSENT, username: 'x', password: 'y' });
  assert.deepEqual(find({ identitytoken: 'id' }), { ...ABSENT, identityToken: 'id' });
  assert.deepEqual(find({ registrytoken: 'reg' }), { ...ABSENT, registryToken: 'reg' });
  assert.deepEqual(find({}), ABSENT);
  assert.deepEqual(find(null), ABSENT);
});

test('no matching key, no auths and foreign types give nothing', () => {
  assert.equal(findCredential(dockerConfig({ auths: { 'quay.io': {} } }), IMAGE), undefined);
  assert.equal(findCredential(dockerConfig({}), IMAGE), undefined);
  const opaque = secret('Opaque', '.dockerconfigjson', '{}');
  assert.equal(isPullSecret(opaque), false);
  assert.equal(findCredential(opaque, IMAGE), undefined);
});

test('unreadable content is an error that names Secret and key and shows nothing of it', () => {
  const rows: [content: unknown, message: RegExp][] = [
    ['{"canary', /^secret 'apps\/pull' key '\.dockerconfigjson' is not valid JSON$/],
    [{ auths: ['canary'] }, /^secret 'apps\/pull' key '\.dockerconfigjson' is no docker config: auths: /],
    [{ auths: { 'ghcr.io': { auth: { canary: 1 } } } }, /is no docker config: auths\.ghcr\.io\.auth: /],
    [
      { auths: { 'ghcr.io': { auth: 'canary!' } } },
      /entry 'ghcr\.io': 'auth' is not base64 of user:password$/,
    ],
    [{ auths: { 'ghcr.io': { auth: base64('canary') } } }, /'auth' is not base64 of user:password$/],
  ];
  for (const [content, message] of rows) {
    assert.throws(
      () => findCredential(dockerConfig(content), IMAGE),
      (error: Error) => {
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, /canary/);
        return error.name === 'AccessError';
      },
    );
  }
  const empty = { ...dockerConfig({}), data: {} };
  assert.throws(() => findCredential(empty, IMAGE), /key '\.dockerconfigjson' is missing/);
});
