import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { mayHaveOldFiles, outdatedFiles } from './retention.ts';

const NOW = 1_700_000_000_000;

/** Files by their age in seconds; the first is the current one. */
const aged = (...ages: number[]) => ages.map((age) => ({ path: `${age}`, writtenAt: NOW - age * 1000 }));

describe('retention (16.5)', () => {
  for (const [ages, ttl, records, deleted] of [
    [[5, 20], 60, 2, []],
    [[5, 20, 40], 60, 2, [40]],
    [[5, 90], 60, 2, [90]],
    [[5, 10, 20, 30, 40], 120, 2, [20, 30, 40]],
    [[1, 2, 3, 4, 5], 3.5, 4, [4, 5]],
    [[900], 60, 2, []],
    // Ours: the current one is not always the youngest, and one record leaves it alone.
    [[900, 5, 20], 60, 2, [20]],
    [[5, 5.001, 6], 60, 1, [5.001, 6]],
    [[5, 60], 60, 2, []],
    [[5, 1], 0, 2, [1]],
  ] as const) {
    test(`${ages.join(' s, ')} s, TTL ${ttl} s, ${records} records`, () => {
      const files = aged(...ages);
      const outdated = outdatedFiles(files.toReversed(), files[0]!.path, { ttlMs: ttl * 1000, records }, NOW);
      assert.deepEqual(
        outdated.map(Number).sort((a, b) => a - b),
        deleted,
      );
    });
  }

  test('old files are looked for in the time after a change only', () => {
    const retention = { ttlMs: 600_000, records: 2 };
    const at = (ago: number, interval: number) => mayHaveOldFiles(NOW - ago, interval, retention, NOW);
    assert.deepEqual(
      [at(0, 0), at(600_000, 0), at(600_001, 0), at(720_000, 60_000), at(720_001, 60_000), at(-5000, 0)],
      [true, true, false, true, false, true],
    );
    assert.deepEqual(
      [at(120_000, 60_000), at(120_001, 60_000), at(600_000, 60_000), at(600_001, 60_000)],
      [true, false, false, true],
      'not between the two moments at which something may have to go',
    );
  });
});
