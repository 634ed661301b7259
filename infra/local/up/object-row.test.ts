import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Condition, KubeObject } from '../../../shared/kube/resource.ts';
import { EXPECT_ANNOTATION, rowOf } from './object-row.ts';

const condition = (type: string, status: Condition['status'], reason = 'Because'): Condition => ({
  type,
  status,
  reason,
  message: `${type} is\n\x1b[31m${status}`,
  lastTransitionTime: '2026-01-01T00:00:00Z',
});

function object(change: {
  conditions?: Condition[];
  observedGeneration?: number;
  spec?: object;
  annotations?: Record<string, string>;
  deletionTimestamp?: string;
}): KubeObject {
  const { conditions, observedGeneration = 2, spec = {}, ...metadata } = change;
  return {
    apiVersion: 'image.toolkit.fluxcd.io/v1',
    kind: 'ImageRepository',
    metadata: {
      name: 'web',
      namespace: 'apps',
      uid: '1',
      resourceVersion: '1',
      generation: 2,
      creationTimestamp: '2026-01-01T00:00:00Z',
      ...metadata,
    },
    spec,
    status: { conditions, observedGeneration },
  };
}

test('a row shows the Ready condition, on one line without control characters', () => {
  assert.deepEqual(rowOf(object({ conditions: [condition('Ready', 'True')] }), 'ImageRepository'), {
    kind: 'ImageRepository',
    name: 'apps/web',
    ready: 'True',
    reason: 'Because',
    message: 'Ready is [31mTrue',
    createdAt: Date.UTC(2026, 0, 1),
    settled: true,
  });
});

test('an object without a status shows that there is none', () => {
  const { ready, reason, message, settled } = rowOf({ ...object({}), status: undefined }, 'ImageRepository');
  assert.deepEqual(
    { ready, reason, message, settled },
    { ready: '-', reason: '-', message: '', settled: false },
  );
});

const ready = [condition('Ready', 'True')];
const failed = [condition('Ready', 'False', 'AccessDenied')];
const expect = (value: string) => ({ annotations: { [EXPECT_ANNOTATION]: value } });

for (const [name, change, settled] of [
  ['Ready', { conditions: ready }, true],
  ['not Ready', { conditions: failed }, false],
  ['Ready, but for an older generation', { conditions: ready, observedGeneration: 1 }, false],
  ['Ready, but being deleted', { conditions: ready, deletionTimestamp: '2026-01-01T00:00:00Z' }, false],
  ['suspended', { spec: { suspend: true } }, true],
  ['meant to fail, and failed', { conditions: failed, ...expect('Ready=False') }, true],
  ['meant to fail for this reason', { conditions: failed, ...expect('Ready=False:AccessDenied') }, true],
  ['meant to fail for another reason', { conditions: failed, ...expect('Ready=False:Other') }, false],
  ['meant to fail, but Ready', { conditions: ready, ...expect('Ready=False') }, false],
  [
    'meant to fail, whose repeated failure is about this generation',
    {
      conditions: [{ ...failed[0]!, observedGeneration: 2 }],
      observedGeneration: -1,
      ...expect('Ready=False'),
    },
    true,
  ],
  [
    'meant to fail, but failed in an older generation',
    { conditions: [{ ...failed[0]!, observedGeneration: 1 }], ...expect('Ready=False') },
    false,
  ],
  ['meant to be what nobody can read', { conditions: ready, ...expect('fine') }, false],
] as const) {
  test(`${settled ? 'nobody waits' : 'somebody waits'} for an object that is ${name}`, () => {
    assert.equal(rowOf(object(change as Parameters<typeof object>[0]), 'ImageRepository').settled, settled);
  });
}
