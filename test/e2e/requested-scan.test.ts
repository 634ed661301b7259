/** What a person does all day: push a tag, ask for a scan. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startRegistry } from '../../infra/local/registry/registry.ts';
import { onEveryApiServer } from '../parts/api-servers.ts';
import { openStage } from './stage.ts';

onEveryApiServer((api) => {
  test('a pushed tag and a request give the new scan', async (t) => {
    const registry = await startRegistry({ port: 0 });
    t.after(() => registry.close());
    const stage = await openStage(t, api);
    const product = await stage.serve();
    await registry.push('team/app', ['1.0.0', '1.1.0']);
    await stage.create('app', { image: `${registry.host}/team/app` });
    const before = await stage.ready('app');
    await product.idle();
    registry.requests.clear();

    await registry.push('team/app', '1.2.0');
    const askedAt = performance.now();
    const token = await stage.request('app');
    const after = await stage.ready('app');
    t.diagnostic(`from the annotation to the new status: ${Math.round(performance.now() - askedAt)} ms`);

    const { lastHandledReconcileAt, lastScanResult, observedGeneration } = after.status!;
    assert.equal(lastHandledReconcileAt, token);
    assert.equal(observedGeneration, before.metadata.generation);
    assert.deepEqual(lastScanResult!.latestTags, ['1.2.0', '1.1.0', '1.0.0']);
    assert.notEqual(lastScanResult!.revision, before.status!.lastScanResult!.revision);
    await product.idle();
    assert.equal(registry.requests.count(), 1);
    assert.equal(await product.runs(), 2);
  });
});
