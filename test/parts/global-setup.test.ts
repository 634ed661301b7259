import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { SHARED_KUBECONFIG } from './api-server.ts';
import { needs } from './parts.ts';

/** A test file of a run of its own: it passes when it was handed a server that answers. */
const FILE = `
import { test } from 'node:test';
import { useApiServer } from '${path.join(import.meta.dirname, 'api-server.ts')}';
const api = useApiServer();
test('is handed a server', async () => {
  if (!process.env.${SHARED_KUBECONFIG}) throw new Error('no server was handed on');
  await api.createNamespace();
});
`;

test('the files of a run share one server', needs('kube-apiserver', 'etcd'), async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'longshore-run-'));
  t.after(() => rm(folder, { recursive: true }));
  const files = ['a.test.ts', 'b.test.ts'].map((name) => path.join(folder, name));
  for (const file of files) await writeFile(file, FILE);
  const setup = path.join(import.meta.dirname, 'global-setup.ts');
  const { NODE_TEST_CONTEXT: _ours, [SHARED_KUBECONFIG]: _shared, ...env } = process.env;
  const run = spawnSync(process.execPath, ['--test', `--test-global-setup=${setup}`, ...files], {
    env,
    encoding: 'utf8',
  });
  assert.equal(run.status, 0, run.stdout + run.stderr);
  assert.match(run.stdout, /pass 2\b/);
});
