import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { scriptedClient } from '../../test/parts/scripted-client.ts';
import { RunSecrets } from '../runtime/redact.ts';
import { dockerConfigJson, ensureDockerConfigSecret, SecretConflictError } from './docker-config-secret.ts';
import { KubeError } from './errors.ts';

const signal = new AbortController().signal;
const OWNER = { apiVersion: 'v1', kind: 'Owner', name: 'o', uid: 'owner-uid' };
const SECRET = { namespace: 'ns', name: 's', content: '{"auths":{}}', labels: { a: 'b' }, owner: OWNER };
const TYPE = 'kubernetes.io/dockerconfigjson';
const DATA = { '.dockerconfigjson': Buffer.from(SECRET.content).toString('base64') };

const stored =
  (members: object, metadata: object = {}) =>
  () => ({
    metadata: { name: 's', uid: 'secret-uid', ...metadata },
    ...members,
  });

describe('ensure (Quay 7.2)', () => {
  test('absent: created, with labels and owner', async () => {
    const { kube, calls } = scriptedClient(
      () => undefined,
      () => ({}),
    );
    assert.equal(await ensureDockerConfigSecret(kube, SECRET, signal), 'created');
    const metadata = { namespace: 'ns', name: 's', labels: { a: 'b' }, ownerReferences: [OWNER] };
    assert.deepEqual(calls[1]?.body, { apiVersion: 'v1', kind: 'Secret', metadata, type: TYPE, data: DATA });
  });

  test('equal: nothing is written', async () => {
    const { kube } = scriptedClient(stored({ type: TYPE, data: { ...DATA, other: 'eA==' } }));
    assert.equal(await ensureDockerConfigSecret(kube, SECRET, signal), 'unchanged');
  });

  test('other content: only that is replaced', async () => {
    const { kube, calls } = scriptedClient(
      stored({ type: TYPE, data: { '.dockerconfigjson': 'eA==' } }),
      () => ({}),
    );
    assert.equal(await ensureDockerConfigSecret(kube, SECRET, signal), 'updated');
    assert.deepEqual(calls[1]?.body, { data: DATA });
  });

  test('somebody was quicker: theirs gets the content', async () => {
    const exists = () => {
      throw new KubeError('exists', { status: 409, reason: 'AlreadyExists' });
    };
    const { kube } = scriptedClient(
      () => undefined,
      exists,
      stored({ type: TYPE, data: {} }),
      () => ({}),
    );
    assert.equal(await ensureDockerConfigSecret(kube, SECRET, signal), 'updated');
  });

  for (const [whose, metadata] of [
    ['by its owner', { ownerReferences: [OWNER] }],
    ['by its label', { labels: { 'appstudio.redhat.com/internal': 'true' } }],
  ] as const) {
    test(`another type, ours ${whose}: made anew`, async () => {
      const { kube, calls } = scriptedClient(
        stored({ type: 'Opaque' }, metadata),
        () => {},
        () => ({}),
      );
      assert.equal(await ensureDockerConfigSecret(kube, SECRET, signal), 'created');
      assert.deepEqual(
        calls.map(({ verb }) => verb),
        ['get', 'delete', 'create'],
      );
    });
  }

  test('another type, of somebody else: left alone', async () => {
    const { kube } = scriptedClient(stored({ type: 'Opaque' }, { labels: { app: 'x' } }));
    await assert.rejects(
      ensureDockerConfigSecret(kube, SECRET, signal),
      (error: SecretConflictError) =>
        error instanceof SecretConflictError &&
        error.message === 'Secret s exists and is not managed by this controller',
    );
  });
});

test('the content has the whole URL and auth alone, and none of it can turn up in a text', () => {
  const secrets = new RunSecrets();
  const login = { username: 'org+robot', token: 'TOKEN7OF7A7ROBOT' };
  const content = dockerConfigJson('quay.io/org/ns/x', login, secrets);
  const auth = Buffer.from('org+robot:TOKEN7OF7A7ROBOT').toString('base64');
  assert.deepEqual(JSON.parse(content), { auths: { 'quay.io/org/ns/x': { auth } } });
  const told = secrets.scrub(`${content} ${auth} ${login.token} ${Buffer.from(content).toString('base64')}`);
  assert.doesNotMatch(told, /TOKEN7OF7A7ROBOT/);
  assert.ok(!told.includes(auth.slice(0, 20)));
});
