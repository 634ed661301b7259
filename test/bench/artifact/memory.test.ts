import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withWork } from './artifact.ts';

/** Of the whole process (issue 6, point 3). */
const MOST_MIB = 150;

test('a layer of 100 MB is never in memory, packed or unpacked', async () => {
  await withWork(async (measure) => {
    const layer = { files: 5, size: 20e6, content: 'noise', level: 0 } as const;
    for (const operation of ['copy', 'extract'] as const) {
      const { size, peakMiB } = await measure(operation, layer, 1);
      assert.ok(size > 100e6);
      assert.ok(peakMiB <= MOST_MIB, `${operation}: ${Math.round(peakMiB)} MiB`);
    }
  });
});
