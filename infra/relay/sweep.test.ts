import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { IMAGE_REPOSITORY } from '../../shared/api/image-repository.ts';
import type { KubeClient } from '../../shared/kube/client.ts';
import { forgetResource } from '../../shared/kube/discovery.ts';
import { silentLogger } from '../../shared/runtime/logger.ts';
import { createManualClock } from '../../shared/runtime/manual-clock.ts';
import type { ObjectInfo, ObjectStore } from '../../shared/storage/object-store.ts';
import { startSweep, sweepOnce } from './sweep.ts';
import { testObject } from './test-api.ts';

/** A cluster with two objects on two pages, and a store with the records of three: `gone` is an orphan. */
function setUp(failSecondPage = false) {
  const clock = createManualClock();
  forgetResource('test', IMAGE_REPOSITORY);
  const old = new Date(clock.now() - 86_400_000);
  const keys = new Set(['test/tags/apps/a', 'test/tags/apps/b', 'test/tags/apps/gone', 'other/tags/apps/c']);
  let lists = 0;
  const kube = {
    getPath: async () => ({ resources: [{ name: 'imagerepositories', namespaced: true }] }),
    async list(_resource, options) {
      lists += 1;
      const second = options?.continue === '1';
      if (second && failSecondPage) throw new Error('the API server went away');
      const items = [testObject(second ? 'b' : 'a')];
      return { items, resourceVersion: '1', ...(!second && { continue: '1' }) };
    },
  } as Partial<KubeClient> as KubeClient;
  const store = {
    async *list(prefix) {
      for (const key of keys) if (key.startsWith(prefix)) yield { key, lastModified: old } as ObjectInfo;
    },
    delete: async (key) => void keys.delete(key),
  } as Partial<ObjectStore> as ObjectStore;
  return { clock, keys, lists: () => lists, options: { kube, store, cluster: 'test', clock } };
}

const never = new AbortController().signal;

describe('sweep (IR-STORE-5)', () => {
  test('removes the record of an object that is gone, of this cluster only', async () => {
    const { keys, options } = setUp();
    assert.deepEqual(await sweepOnce(options, never), ['apps/gone']);
    assert.deepEqual([...keys], ['test/tags/apps/a', 'test/tags/apps/b', 'other/tags/apps/c']);
  });

  test('removes nothing when the list was not whole', async () => {
    const { keys, options } = setUp(true);
    await assert.rejects(sweepOnce(options, never), /went away/);
    assert.equal(keys.size, 4);
  });

  test('comes once within the first hour, then every interval, until it is stopped', async () => {
    const { clock, lists, options } = setUp();
    const stop = new AbortController();
    let leading = true;
    const more = { everyMs: 86_400_000, leads: () => leading, random: () => 0.5, log: silentLogger };
    const running = startSweep({ ...options, ...more }, stop.signal);
    const after = async (ms: number) => {
      clock.advance(ms);
      for (let turns = 0; turns < 5; turns++) await new Promise((resolve) => setImmediate(resolve));
      return lists();
    };
    assert.deepEqual(
      [await after(1_799_999), await after(1), await after(86_399_999), await after(1)],
      [0, 2, 2, 4],
    );
    leading = false;
    assert.equal(await after(86_400_000), 4, 'a standby sweeps nothing');
    stop.abort(new Error('stop'));
    await running;
  });
});
