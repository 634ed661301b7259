import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { IMAGE_REPOSITORY } from '../../shared/api/image-repository.ts';
import { OCI_REPOSITORY } from '../../shared/api/oci-repository.ts';
import type { KubeClient } from '../../shared/kube/client.ts';
import { forgetResource } from '../../shared/kube/discovery.ts';
import { KubeError } from '../../shared/kube/errors.ts';
import { createLogger } from '../../shared/runtime/logger.ts';
import { createManualClock } from '../../shared/runtime/manual-clock.ts';
import type { ObjectInfo, ObjectStore } from '../../shared/storage/object-store.ts';
import { startSweep } from './sweep.ts';
import { testObject } from './test-api.ts';

const DAY = 86_400_000;
const ARTIFACTS = 'test/artifacts/ocirepository/apps';

/**
 * A cluster with two objects of each kind on two pages, and a store with what is kept for three: `gone` has left
 * orphans.
 * @param fails what the second page of a kind throws
 */
function setUp(fails: { [plural: string]: Error } = {}) {
  const clock = createManualClock();
  for (const kind of [IMAGE_REPOSITORY, OCI_REPOSITORY]) forgetResource('test', kind);
  const old = new Date(clock.now() - DAY);
  const keys = new Set([
    'test/tags/apps/a',
    'test/tags/apps/b',
    'test/tags/apps/gone',
    'other/tags/apps/c',
    `${ARTIFACTS}/a/1.tar.gz`,
    `${ARTIFACTS}/gone/1.tar.gz`,
    `${ARTIFACTS}/gone/latest.tar.gz`,
  ]);
  const lists: string[] = [];
  const kube = {
    getPath: async (path: string) => ({
      resources: [
        { name: path.includes('image') ? 'imagerepositories' : 'ocirepositories', namespaced: true },
      ],
    }),
    async list({ plural }, options) {
      lists.push(plural);
      const second = options?.continue === '1';
      if (second && fails[plural]) throw fails[plural];
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

  const stop = new AbortController();
  const log: { level: string; msg: string; objects?: string[] }[] = [];
  let leading = true;
  const running = startSweep(
    {
      kube,
      store,
      cluster: 'test',
      everyMs: DAY,
      leads: () => leading,
      clock,
      random: () => 0.5,
      log: createLogger('info', (line) => log.push(JSON.parse(line))),
    },
    stop.signal,
  );
  return {
    keys,
    lists,
    log: () => log.map(({ level, msg, objects }) => [level, msg, ...(objects ?? [])].join(' ')),
    async after(ms: number) {
      clock.advance(ms);
      for (let turns = 0; turns < 20; turns++) await new Promise((resolve) => setImmediate(resolve));
    },
    standBy() {
      leading = false;
    },
    async stop() {
      stop.abort(new Error('stop'));
      await running;
    },
  };
}

describe('sweep (IR-STORE-5)', () => {
  test('removes the records and artifacts of objects that are gone, of this cluster only', async () => {
    const sweep = setUp();
    await sweep.after(DAY);
    assert.deepEqual(
      [...sweep.keys],
      ['test/tags/apps/a', 'test/tags/apps/b', 'other/tags/apps/c', `${ARTIFACTS}/a/1.tar.gz`],
    );
    assert.deepEqual(sweep.log(), [
      'info removed tag records of deleted objects apps/gone',
      'info removed artifacts of deleted objects apps/gone',
    ]);
    await sweep.stop();
  });

  test('removes nothing of a kind whose list was not whole, and goes on with the next', async () => {
    const sweep = setUp({ imagerepositories: new Error('the API server went away') });
    await sweep.after(DAY);
    assert.ok(sweep.keys.has('test/tags/apps/gone'));
    assert.ok(!sweep.keys.has(`${ARTIFACTS}/gone/1.tar.gz`));
    assert.deepEqual(sweep.log(), [
      'error the sweep of tag records failed: the API server went away',
      'info removed artifacts of deleted objects apps/gone',
    ]);
    await sweep.stop();
  });

  test('a kind that the cluster does not have is no failure, and nothing of it is removed', async () => {
    const gone = new KubeError('no such kind', { status: 404, reason: 'NotFound' });
    const sweep = setUp({ ocirepositories: gone });
    await sweep.after(DAY);
    assert.ok(sweep.keys.has(`${ARTIFACTS}/gone/1.tar.gz`));
    assert.deepEqual(sweep.log(), ['info removed tag records of deleted objects apps/gone']);
    await sweep.stop();
  });

  test('comes once within the first hour, then every interval, until it is stopped; a standby sweeps nothing', async () => {
    const sweep = setUp();
    const listsAfter = async (ms: number) => {
      await sweep.after(ms);
      return sweep.lists.length;
    };
    assert.deepEqual(
      [await listsAfter(1_799_999), await listsAfter(1), await listsAfter(DAY - 1), await listsAfter(1)],
      [0, 4, 4, 8],
    );
    sweep.standBy();
    assert.equal(await listsAfter(DAY), 8);
    await sweep.stop();
  });
});
