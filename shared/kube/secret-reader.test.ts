import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scriptedClient } from '../../test/parts/scripted-client.ts';
import { RunSecrets } from '../runtime/redact.ts';
import { createSecretReader } from './secret-reader.ts';

const NEVER = new AbortController().signal;

function readerOf(...answers: Parameters<typeof scriptedClient>) {
  const { kube, calls } = scriptedClient(...answers);
  const secrets = new RunSecrets();
  return { reader: createSecretReader({ kube, namespace: 'apps', secrets }), secrets, calls };
}

const base64 = (text: string) => Buffer.from(text).toString('base64');

test('a Secret: decoded values, which no text of the run shows any more', async () => {
  const { reader, secrets } = readerOf(() => ({
    metadata: { name: 'regcred' },
    type: 'kubernetes.io/tls',
    data: { username: base64('canary-user'), password: base64('canary-pass'), empty: '' },
  }));
  const { namespace, name, type, data } = await reader.secret('regcred', NEVER);
  assert.deepEqual([namespace, name, type], ['apps', 'regcred', 'kubernetes.io/tls']);
  assert.deepEqual(
    Object.entries(data).map(([key, value]) => [key, value.toString()]),
    [
      ['username', 'canary-user'],
      ['password', 'canary-pass'],
      ['empty', ''],
    ],
  );
  assert.equal(secrets.scrub('login canary-user canary-pass failed'), 'login *** *** failed');
});

test('a Secret that is named twice is read once in a run (IR-AUTH-4)', async () => {
  const { reader, calls } = readerOf(() => ({ metadata: { name: 'both' } }));
  const [first, second] = await Promise.all([reader.secret('both', NEVER), reader.secret('both', NEVER)]);
  assert.equal(first, second);
  assert.deepEqual(first, { namespace: 'apps', name: 'both', type: 'Opaque', data: {} });
  assert.equal(calls.length, 1);
});

test('a service account', async () => {
  const { reader } = readerOf(
    () => ({ metadata: { annotations: { role: 'arn' } }, imagePullSecrets: [{ name: 'a' }, { name: 'b' }] }),
    () => ({ metadata: {} }),
  );
  assert.deepEqual(await reader.serviceAccount('robot', NEVER), {
    namespace: 'apps',
    name: 'robot',
    annotations: { role: 'arn' },
    imagePullSecrets: ['a', 'b'],
  });
  const bare = { namespace: 'apps', name: 'bare', annotations: {}, imagePullSecrets: [] };
  assert.deepEqual(await reader.serviceAccount('bare', NEVER), bare);
});

test('what is missing is named (IR-AUTH-3)', async () => {
  const { reader } = readerOf(
    () => undefined,
    () => undefined,
  );
  await assert.rejects(reader.secret('regcred', NEVER), { message: "secret 'apps/regcred' not found" });
  await assert.rejects(reader.serviceAccount('robot', NEVER), {
    message: "serviceaccount 'apps/robot' not found",
  });
});
