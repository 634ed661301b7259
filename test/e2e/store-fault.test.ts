/** A store that cannot be written or read fails what needs it, says so, and is used again when it is well. */
import assert from 'node:assert/strict';
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { startRegistry } from '../../infra/local/registry/registry.ts';
import { onEveryApiServer } from '../parts/api-servers.ts';
import { openStage } from './stage.ts';

const QUICK_RETRIES = ['--min-retry-delay=50ms', '--max-retry-delay=100ms'];

onEveryApiServer((api) => {
  test('a store that takes nothing: what was published stays, and the scan succeeds when it is well', async (t) => {
    const registry = await startRegistry({ port: 0 });
    t.after(() => registry.close());
    await registry.push('team/app', ['1.0', '2.0']);
    const stage = await openStage(t, api);
    await stage.serve({ args: [`--namespace=${stage.namespace}`, ...QUICK_RETRIES] });
    const image = `${registry.host}/team/app`;
    await stage.create('app', { image });
    await stage.create('quiet', { image });
    const before = await stage.ready('app');
    await stage.ready('quiet');

    // Root may write everywhere, but not below a file.
    const temporary = path.join(stage.store, 'temp');
    await rm(temporary, { recursive: true });
    await writeFile(temporary, '');
    await registry.push('team/app', '3.0');
    await stage.request('app');
    await stage.create('late', { image });
    await stage.request('quiet');
    for (const name of ['app', 'late', 'quiet']) {
      const { reason, message } = await stage.failed(name);
      assert.equal(reason, 'ReadOperationFailed');
      assert.match(message, new RegExp(`^scan failed: failed to set tags for "${image}": .*ENOTDIR`));
    }
    const { status } = await stage.read('app');
    assert.deepEqual(status!.lastScanResult, before.status!.lastScanResult);

    await rm(temporary);
    await mkdir(temporary);
    for (const name of ['app', 'late', 'quiet']) {
      assert.equal((await stage.ready(name)).status!.lastScanResult!.tagCount, 3);
    }
  });

  test('a record that cannot be read fails its object alone', async (t) => {
    const registry = await startRegistry({ port: 0 });
    t.after(() => registry.close());
    await registry.push('team/app', ['1.0', '2.0']);
    const stage = await openStage(t, api);
    await stage.serve({ args: [`--namespace=${stage.namespace}`, ...QUICK_RETRIES] });
    const image = `${registry.host}/team/app`;
    for (const name of ['app', 'beside']) {
      await stage.create(name, { image });
      await stage.ready(name);
    }
    const record = path.join(stage.store, 'objects', stage.namespace, 'tags', stage.namespace, 'app');
    // A link to itself can neither be read nor be taken for nothing.
    await rename(record, `${record}.aside`);
    await symlink(record, record);
    await stage.request('app');
    const { reason, message } = await stage.failed('app');
    assert.equal(reason, 'Failure');
    assert.match(message, /^failed to determine if it's scan time: .*ELOOP/);
    await stage.request('beside');
    await stage.ready('beside');

    await rm(record);
    await rename(`${record}.aside`, record);
    await stage.ready('app');
  });
});
