import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Clock } from '../runtime/clock.ts';
import { loadInCluster } from './in-cluster.ts';
import type { TokenSource } from './transport.ts';

const ENVIRONMENT = { KUBERNETES_SERVICE_HOST: '10.0.0.1', KUBERNETES_SERVICE_PORT: '443' };

async function folderWith(t: TestContext, files: Record<string, string>): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'longshore-account-'));
  t.after(() => rm(folder, { recursive: true }));
  for (const [name, content] of Object.entries(files)) await writeFile(path.join(folder, name), content);
  return folder;
}

test('address, CA and token of the pod', async (t) => {
  const folder = await folderWith(t, { 'ca.crt': 'PEM', token: 'one\n' });
  const endpoint = loadInCluster(folder, ENVIRONMENT);
  assert.equal(endpoint.server, 'https://10.0.0.1:443');
  assert.equal(endpoint.ca, 'PEM');
  assert.equal(await (endpoint.token as TokenSource)(), 'one');
});

test('an IPv6 address', async (t) => {
  const folder = await folderWith(t, { 'ca.crt': 'PEM', token: 'one' });
  const { server } = loadInCluster(folder, { ...ENVIRONMENT, KUBERNETES_SERVICE_HOST: 'fd00::1' });
  assert.equal(server, 'https://[fd00::1]:443');
});

test('a token that was rotated is seen after a minute, and at once when the old one is refused', async (t) => {
  const folder = await folderWith(t, { 'ca.crt': 'PEM', token: 'one' });
  let time = 0;
  const clock: Clock = { now: () => time, after: () => () => {} };
  const token = loadInCluster(folder, ENVIRONMENT, clock).token as TokenSource;
  assert.equal(await token(), 'one');
  await writeFile(path.join(folder, 'token'), 'two');
  time = 59_999;
  assert.equal(await token(), 'one');
  time = 60_000;
  assert.equal(await token(), 'two');
  await writeFile(path.join(folder, 'token'), 'three');
  assert.equal(await token('two'), 'three');
  assert.equal(await token(), 'three');
});

test('outside of a cluster, or without an account: says so', async (t) => {
  const folder = await folderWith(t, { 'ca.crt': 'PEM' });
  assert.throws(() => loadInCluster(folder, {}), /^Error: not inside a cluster: KUBERNETES_SERVICE_HOST/);
  assert.throws(
    () => loadInCluster(folder, ENVIRONMENT),
    /^Error: the ServiceAccount of this pod is not mounted: ENOENT.*token/,
  );
});
