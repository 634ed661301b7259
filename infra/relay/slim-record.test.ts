import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { KubeObject } from '../../shared/kube/resource.ts';
import { RELAY_KINDS } from './kinds.ts';
import { recordKey, slimRecord, splitKey } from './slim-record.ts';
import { testObject } from './test-api.ts';

const KIND = RELAY_KINDS[0]!;

function recordOf(object: KubeObject) {
  return slimRecord(object, KIND, recordKey(object.metadata.namespace, object.metadata.name));
}

describe('the slim record of an ImageRepository', () => {
  test('holds what decides on runs', () => {
    const object = testObject('a', {
      generation: 3,
      observed: 2,
      requested: 't2',
      handled: 't1',
      interval: '1h30m',
      scanTime: '2026-01-01T00:00:00Z',
      suspend: true,
    });
    assert.deepEqual(recordOf(object), {
      key: 'apps/a',
      uid: 'uid-a',
      generation: 3,
      observedGeneration: 2,
      deleting: false,
      suspended: true,
      finalized: true,
      requested: 't2',
      handled: 't1',
      ready: true,
      stalled: false,
      intervalMs: 5_400_000,
      lastRunAt: Date.UTC(2026, 0, 1),
      watched: '',
      base: '',
    });
  });

  test('an object as kubectl creates it has nothing of that', () => {
    const { spec, apiVersion, kind, metadata } = testObject('a', { interval: 'often' });
    const { name, namespace, uid, resourceVersion } = metadata;
    const bare = { apiVersion, kind, spec, metadata: { name, namespace, uid, resourceVersion } };
    const { intervalMs, lastRunAt, ready, finalized, observedGeneration, requested } = recordOf(bare);
    assert.deepEqual(
      { intervalMs, lastRunAt, ready, finalized, observedGeneration, requested },
      {
        intervalMs: 0,
        lastRunAt: undefined,
        ready: false,
        finalized: false,
        observedGeneration: -1,
        requested: '',
      },
    );
  });

  for (const [conditions, ready, stalled] of [
    [{ Ready: 'True' }, true, false],
    [{ Ready: 'Unknown', Reconciling: 'True' }, false, false],
    [{ Ready: 'True', Reconciling: 'True' }, false, false],
    [{ Ready: 'False', Stalled: 'True' }, false, true],
    [{}, false, false],
  ] as const) {
    test(`${JSON.stringify(conditions)}: ready ${ready}, stalled ${stalled}`, () => {
      const list = Object.entries(conditions).map(([type, status]) => ({ type, status }));
      const record = recordOf({ ...testObject('a'), status: { conditions: list } });
      assert.deepEqual([record.ready, record.stalled], [ready, stalled]);
    });
  }

  test('a key names namespace and name, and can be taken apart again', () =>
    assert.deepEqual(splitKey(recordKey('apps', 'my.app')), { namespace: 'apps', name: 'my.app' }));
});

describe('the slim record of an OCIRepository', () => {
  const kind = RELAY_KINDS.find((each) => each.kind === 'OCIRepository')!;
  const path = 'ocirepository/apps/a/ab.tar.gz';
  for (const [what, artifact, base] of [
    ['no artifact', undefined, ''],
    ['an artifact', { path, url: `http://relay/${path}` }, 'http://relay'],
    [
      'an artifact in a bucket',
      { path, url: `https://b.s3.test/p/c1/artifacts/${path}` },
      'https://b.s3.test/p/c1/artifacts',
    ],
    ['an address that is none', { path, url: 'http://relay/other' }, ''],
  ] as const) {
    test(`${what}: the base is '${base}'`, () => {
      const object = { ...testObject('a'), status: { artifact } };
      assert.equal(slimRecord(object, kind, 'apps/a').base, base);
    });
  }
});
