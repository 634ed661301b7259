/** Objects that go in the middle of their scan: nothing of them stays, and nothing of them comes back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onEveryApiServer } from '../parts/api-servers.ts';
import { startHeldRegistry } from './held-registry.ts';
import { openStage, REPOSITORIES } from './stage.ts';

onEveryApiServer((api) => {
  test('deleted in the middle of its first scan, an object goes when the scan ends', async (t) => {
    const registry = await startHeldRegistry(t, ['1.0']);
    const stage = await openStage(t, api);
    const product = await stage.serve();
    await stage.create('app', { image: registry.image('team/app') });
    await registry.asked(1);
    await stage.remove('app');
    await stage.until('app', 'being deleted', ({ metadata }) => !!metadata.deletionTimestamp);
    registry.release();
    await stage.gone('app');
    await product.idle();
    assert.deepEqual(await stage.records(), []);
  });

  test('deleted in the middle of a later scan, its record goes as well', async (t) => {
    const registry = await startHeldRegistry(t, ['1.0']);
    const stage = await openStage(t, api);
    const first = await stage.serve();
    const slow = await startHeldRegistry(t, ['1.0', '2.0']);
    registry.release();
    await stage.create('app', { image: registry.image('team/app') });
    await stage.ready('app');
    assert.deepEqual(await stage.records(), [`${stage.namespace}/app`]);
    await stage.edit('app', { image: slow.image('team/app') });
    await slow.asked(1);
    await stage.remove('app');
    slow.release();
    await stage.gone('app');
    await first.idle();
    assert.deepEqual(await stage.records(), []);
  });

  test('deleted by force, finalizer and all, it does not come back with the end of its scan', async (t) => {
    const registry = await startHeldRegistry(t, ['1.0']);
    const stage = await openStage(t, api);
    const product = await stage.serve();
    await stage.create('app', { image: registry.image('team/app') });
    await registry.asked(1);
    await stage.remove('app');
    const ref = { namespace: stage.namespace, name: 'app' };
    await api.kube.patch(REPOSITORIES, ref, { metadata: { finalizers: null } });
    await stage.gone('app');
    registry.release();
    await product.idle();
    assert.equal(await api.kube.get(REPOSITORIES, ref), undefined);
    assert.deepEqual(await stage.records(), []);
  });

  test('made anew under its name in the middle of a scan, it is another object with tags of its own', async (t) => {
    const old = await startHeldRegistry(t, ['1.0']);
    const successor = await startHeldRegistry(t, ['1.0', '2.0', '3.0']);
    successor.release();
    const stage = await openStage(t, api);
    const product = await stage.serve();
    await stage.create('app', { image: old.image('team/app') });
    await old.asked(1);
    const ref = { namespace: stage.namespace, name: 'app' };
    await stage.remove('app');
    await api.kube.patch(REPOSITORIES, ref, { metadata: { finalizers: null } });
    await stage.gone('app');
    await stage.create('app', { image: successor.image('team/app') });
    old.release();
    const { status } = await stage.ready('app');
    await product.idle();
    assert.equal(status!.canonicalImageName, successor.image('team/app'));
    assert.equal(status!.lastScanResult!.tagCount, 3);
    assert.deepEqual(await stage.records(), [`${stage.namespace}/app`]);
  });
});
