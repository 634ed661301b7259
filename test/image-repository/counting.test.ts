/** What an object costs (decisions 3 and 4): requests to the API server and the registry, operations of the store. */
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { type LocalRegistry, startRegistry } from '../../infra/local/registry/registry.ts';
import { createFakeCluster } from '../workbench/fake-cluster.ts';
import { type Operation, openWorkbench, type Workbench } from './workbench.ts';

const TAGS = Array.from({ length: 100 }, (_, index) => `v${index}`);

describe('what an object costs', () => {
  let registry: LocalRegistry;
  let bench: Workbench;
  before(async () => {
    registry = await startRegistry({ port: 0 });
    await registry.push('team/app', TAGS);
  });
  after(() => registry.close());
  beforeEach(async () => {
    bench = await openWorkbench({ kube: createFakeCluster() });
    // What a process learns once: the version of the kind, the scheme of the registry.
    await bench.create('first', { image: image() });
    await bench.run('first');
    await bench.create('web', { image: image() });
    forget();
  });
  afterEach(() => bench.close());

  const image = () => `${registry.host}/team/app`;
  const forget = () => {
    bench.forget();
    registry.requests.clear();
  };
  const list = (operations: Operation[]) => operations.map(({ verb, on }) => `${verb} ${on}`);
  const stored = () => bench.stored.map(({ verb }) => verb);

  async function quietObject() {
    await bench.run('web');
    forget();
  }

  it('new: one read, finalizer, status, event; one listing; one record', async () => {
    await bench.run('web');
    assert.deepEqual(list(bench.api), [
      'get imagerepositories',
      'patch imagerepositories',
      'patch imagerepositories/status',
      'create events',
    ]);
    assert.equal(registry.requests.count(), 1);
    assert.deepEqual(stored(), ['get', 'put']);
  });

  it('a timer without news: one read, the scan time; one listing; no write to the store, no event', async () => {
    await quietObject();
    bench.clock.move(600_000);
    await bench.run('web', { trigger: 'timer' });
    assert.deepEqual(list(bench.api), ['get imagerepositories', 'patch imagerepositories/status']);
    assert.equal(registry.requests.count(), 1);
    assert.deepEqual(stored(), ['get']);
  });

  it('the patch of a timer without news holds the scan time and nothing else', async () => {
    await quietObject();
    bench.clock.move(600_000);
    const patches: unknown[] = [];
    const { kube } = bench;
    (kube as ReturnType<typeof createFakeCluster>).before = ({ verb, body }) => {
      if (verb === 'patch') patches.push(body);
    };
    await bench.run('web', { trigger: 'timer' });
    const scanTime = `${new Date(bench.clock.now()).toISOString().slice(0, 19)}Z`;
    const [{ status, metadata }] = patches as [{ status: unknown; metadata: object }];
    assert.deepEqual(status, { lastScanResult: { scanTime } });
    assert.deepEqual(Object.keys(metadata), ['resourceVersion']);
  });

  it('not due: one read, nothing else', async () => {
    await quietObject();
    bench.clock.move(60_000);
    await bench.run('web', { trigger: 'resync' });
    assert.deepEqual(list(bench.api), ['get imagerepositories']);
    assert.equal(registry.requests.count(), 0);
    assert.deepEqual(stored(), ['get']);
  });

  it('edited without need of a scan: one status patch for the generation, one trace event', async () => {
    await quietObject();
    await bench.edit('web', { spec: { interval: '20m' } });
    await bench.run('web', { trigger: 'change' });
    assert.deepEqual(list(bench.api), [
      'get imagerepositories',
      'patch imagerepositories/status',
      'create events',
    ]);
    assert.equal(registry.requests.count(), 0);
  });

  it('suspended: one read', async () => {
    await quietObject();
    await bench.edit('web', { spec: { suspend: true } });
    await bench.run('web', { trigger: 'change' });
    assert.deepEqual(list(bench.api), ['get imagerepositories']);
    assert.deepEqual(stored(), []);
  });

  it('deleted: one read, the record, the finalizer; no condition, no event', async () => {
    await quietObject();
    await bench.remove('web');
    await bench.run('web');
    assert.deepEqual(list(bench.api), ['get imagerepositories', 'patch imagerepositories']);
    assert.deepEqual(stored(), ['delete']);
    assert.equal(registry.requests.count(), 0);
  });

  it('failing again and again: one status write in all, one event a minute', async () => {
    registry.faults.add({ path: /tags\/list/, status: 403 });
    try {
      await bench.run('web');
      forget();
      for (let attempt = 1; attempt <= 3; attempt++) {
        await bench.run('web', { trigger: 'change', attempt });
      }
      assert.deepEqual(bench.writes(), []);
      bench.clock.move(61_000);
      await bench.run('web', { trigger: 'change', attempt: 4 });
      assert.deepEqual(list(bench.writes()), ['patch events']);
      assert.deepEqual(
        (await bench.events('web')).map(({ count }) => count),
        [5],
      );
    } finally {
      registry.faults.clear();
    }
  });

  it('a stored list is written again only when it says something else', async () => {
    await quietObject();
    await bench.edit('web', { spec: { exclusionList: ['^nothing$'] } });
    await bench.run('web');
    assert.deepEqual(stored(), ['get', 'put'], 'another list, the same tags');
    forget();
    await registry.push('team/app', ['v-new']);
    await bench.run('web', { trigger: 'requested', attempt: 1 });
    assert.deepEqual(stored(), ['get', 'put'], 'another tag');
    await registry.deleteTag('team/app', 'v-new');
  });
});
