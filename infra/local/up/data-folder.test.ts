import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { CommandError } from '../../cli/command.ts';
import { openClusterFolder, openDemoFolder, rememberRegistryPort } from './data-folder.ts';

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'longshore-data-'));
  t.after(() => rm(path, { recursive: true }));
  return path;
}

test('a demo’s folder keeps the port of its registry', async (t) => {
  const data = join(await folder(t), 'a/b');
  assert.equal((await openDemoFolder(data, 15_998)).registryPort, 15_998, 'nothing is kept yet');
  await rememberRegistryPort(await openDemoFolder(data, 15_999));
  assert.equal((await openDemoFolder(data, undefined)).registryPort, 15_999);
  assert.equal((await openDemoFolder(data, 15_999)).registryPort, 15_999);
  await assert.rejects(
    openDemoFolder(data, 15_000),
    (error) => error instanceof CommandError && /^--registry-port: .*127\.0\.0\.1:15999/.test(error.message),
  );
});

test('without a flag the registry has its usual port', async (t) => {
  assert.equal((await openDemoFolder(await folder(t), undefined)).registryPort, 15_000);
});

test('each cluster has a folder of its own', async (t) => {
  const data = await folder(t);
  const names = [];
  for (const server of ['https://127.0.0.1:6443', 'https://[::1]:6443/', 'https://host/k8s/clusters/c-1']) {
    names.push((await openClusterFolder(data, server)).store.slice(data.length));
  }
  assert.deepEqual(names, [
    '/clusters/127.0.0.1_6443/store',
    '/clusters/_1_6443/store',
    '/clusters/host_k8s_clusters_c-1/store',
  ]);
});

test('a folder that cannot be made is told with its flag', async (t) => {
  const file = join(await folder(t), 'file');
  await writeFile(file, '');
  await assert.rejects(openDemoFolder(join(file, 'data'), undefined), {
    message: /^--data: cannot use .*file\/data: /,
  });
});
