import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { CommandError } from '../../cli/command.ts';
import { openClusterFolder, openDemoFolder, rememberPorts } from './data-folder.ts';

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'longshore-data-'));
  t.after(() => rm(path, { recursive: true }));
  return path;
}

test('a demo’s folder keeps the ports of its registry and its Quay', async (t) => {
  const data = join(await folder(t), 'a/b');
  for (const server of ['registry', 'quay'] as const) {
    assert.equal(
      (await openDemoFolder(data, { [server]: 15_998 })).ports[server],
      15_998,
      'nothing is kept yet',
    );
  }
  const asked = { registry: 15_997, quay: 15_999 };
  await rememberPorts(await openDemoFolder(data, asked));
  assert.deepEqual((await openDemoFolder(data, {})).ports, asked);
  assert.deepEqual((await openDemoFolder(data, asked)).ports, asked);
  for (const [server, port] of [
    ['registry', 15_997],
    ['quay', 15_999],
  ] as const) {
    await assert.rejects(openDemoFolder(data, { [server]: 15_000 }), (error) => {
      assert.ok(error instanceof CommandError);
      assert.match(error.message, new RegExp(`^--${server}-port: .*127\\.0\\.0\\.1:${port}`));
      return true;
    });
  }
});

test('without flags both have their usual ports', async (t) => {
  assert.deepEqual((await openDemoFolder(await folder(t), {})).ports, { registry: 15_000, quay: 15_001 });
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
  await assert.rejects(openDemoFolder(join(file, 'data'), {}), {
    message: /^--data: cannot use .*file\/data: /,
  });
});
