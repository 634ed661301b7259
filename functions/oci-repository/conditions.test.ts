import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Condition } from '../../shared/kube/resource.ts';
import { claim, OWNED, readyOf } from './conditions.ts';

const condition = (
  type: string,
  status: Condition['status'] = 'True',
  observedGeneration = 1,
): Condition => ({
  type,
  status,
  reason: `${type}Reason`,
  message: `about ${type}`,
  lastTransitionTime: '2026-01-05T10:00:07Z',
  observedGeneration,
});
const NOW = Date.parse('2026-01-05T11:00:00Z');

describe('the Ready summary (17.5)', () => {
  const ready = (...conditions: Condition[]) => readyOf(conditions);
  for (const [name, conditions, status, from] of [
    ['what is wrong wins over what is right', ['ArtifactInStorage', 'FetchFailed'], 'False', 'FetchFailed'],
    ['storage before fetching', ['FetchFailed', 'StorageOperationFailed'], 'False', 'StorageOperationFailed'],
    ['fetching before what is outdated', ['ArtifactOutdated', 'FetchFailed'], 'False', 'FetchFailed'],
    ['a stall before progress', ['Reconciling', 'Stalled'], 'False', 'Stalled'],
    ['progress alone', ['Reconciling', 'ArtifactInStorage'], 'False', 'Reconciling'],
    ['nothing wrong', ['SourceVerified', 'ArtifactInStorage'], 'True', 'ArtifactInStorage'],
  ] as const) {
    test(name, () => {
      const said = ready(...conditions.map((type) => condition(type)));
      assert.deepEqual(said, { status, reason: `${from}Reason`, message: `about ${from}` });
    });
  }

  test('a signature that does not hold wins over everything', () => {
    const said = ready(condition('StorageOperationFailed'), condition('SourceVerified', 'False'));
    assert.deepEqual(said, {
      status: 'False',
      reason: 'SourceVerifiedReason',
      message: 'about SourceVerified',
    });
  });

  test('what others wrote: False for something wrong is good, Unknown is unknown', () => {
    assert.equal(ready(condition('FetchFailed', 'False'))?.status, 'True');
    assert.equal(ready(condition('ArtifactInStorage', 'False'))?.status, 'False');
    assert.equal(ready(condition('ArtifactInStorage', 'Unknown'))?.status, 'Unknown');
    assert.equal(ready(condition('Audited')), undefined);
  });
});

describe('claims', () => {
  test('what stands keeps its time, what changes gets a new one, what is not claimed goes', () => {
    const stored = [condition('ArtifactInStorage'), condition('FetchFailed'), condition('Audited', 'False')];
    const claimed = claim(
      stored,
      {
        ArtifactInStorage: {
          status: 'True',
          reason: 'ArtifactInStorageReason',
          message: 'about ArtifactInStorage',
        },
        ArtifactOutdated: { status: 'True', reason: 'NewRevision', message: 'new' },
      },
      2,
      NOW,
    );
    assert.deepEqual(
      claimed.map(({ type, lastTransitionTime, observedGeneration }) => [
        type,
        lastTransitionTime,
        observedGeneration,
      ]),
      [
        ['Ready', '2026-01-05T11:00:00Z', 2],
        ['ArtifactInStorage', '2026-01-05T10:00:07Z', 2],
        ['ArtifactOutdated', '2026-01-05T11:00:00Z', 2],
        ['Audited', '2026-01-05T10:00:07Z', 1],
      ],
    );
    assert.equal(claimed[0]!.reason, 'NewRevision');
  });

  test('keep takes what is stored as it is, and nothing where there is nothing', () => {
    const stored = [condition('ArtifactInStorage')];
    const kept = claim(stored, { ArtifactInStorage: 'keep', SourceVerified: 'keep' }, 2, NOW);
    assert.deepEqual(kept[1], stored[0]);
    assert.equal(kept.length, 2);
  });

  test('nothing to say leaves Ready as it is', () => {
    assert.deepEqual(claim([condition('Ready', 'False')], {}, 2, NOW), [condition('Ready', 'False')]);
  });

  test('eight types are ours', () => assert.equal(OWNED.length, 8));
});
