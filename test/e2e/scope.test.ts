/** `--namespace` and `--watch-label-selector`: what is outside belongs to somebody else. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type LocalRegistry, startRegistry } from '../../infra/local/registry/registry.ts';
import { onEveryApiServer } from '../parts/api-servers.ts';
import { openStage, type Stage } from './stage.ts';

async function assertUntouched(stage: Stage, name: string): Promise<void> {
  const { metadata, status } = await stage.read(name);
  assert.equal(metadata.finalizers, undefined);
  assert.deepEqual(status ?? { observedGeneration: -1 }, { observedGeneration: -1 });
}

onEveryApiServer((api) => {
  let registry: LocalRegistry;
  const open = async (...args: Parameters<typeof openStage>) => {
    registry = await startRegistry({ port: 0 });
    args[0].after(() => registry.close());
    await registry.push('team/app', '1.0');
    return openStage(...args);
  };
  const spec = () => ({ image: `${registry.host}/team/app` });

  test('only objects of the named namespaces are served', async (t) => {
    const one = await open(t, api);
    const other = await openStage(t, api);
    const outside = await openStage(t, api);
    for (const stage of [outside, one, other]) await stage.create('app', spec());
    const product = await one.serve({ args: [`--namespace=${one.namespace},${other.namespace}`] });
    await one.ready('app');
    await other.ready('app');
    await outside.request('app');
    await outside.remove('app');
    await outside.gone('app');
    await outside.create('app', spec());
    await one.request('app');
    await one.ready('app');
    await product.idle();
    await assertUntouched(outside, 'app');
    assert.equal(await product.runs(), 3);
  });

  test('only objects with the labels are served; one that gets them is, one that loses them is not any more', async (t) => {
    const stage = await open(t, api);
    const ours = { labels: { shard: stage.namespace } };
    await stage.create('outside', spec(), { labels: { shard: 'another' } });
    await stage.create('ours', spec(), ours);
    const product = await stage.serve({ args: [`--watch-label-selector=shard=${stage.namespace}`] });
    await stage.ready('ours');
    await product.idle();
    await assertUntouched(stage, 'outside');

    await stage.label('outside', ours.labels);
    await stage.ready('outside');
    await stage.label('outside', { shard: 'another' });
    await stage.request('outside');
    await stage.request('ours');
    await stage.ready('ours');
    await product.idle();
    const { status } = await stage.read('outside');
    assert.equal(status!.lastHandledReconcileAt, undefined);
    assert.equal(await product.runs(), 3);
  });
});
