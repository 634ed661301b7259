import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Trigger } from '../runtime/contract.ts';
import { retrying, stalled, succeeded } from './conditions.ts';
import { eventOf } from './flux-events.ts';

const NOW = Date.parse('2026-01-05T10:00:00Z');
const good = (message: string) => succeeded([], { reason: 'Succeeded', message, generation: 1 }, NOW);
const failed = retrying(
  [],
  {
    reason: 'ReadOperationFailed',
    message: 'scan failed: x',
    progress: 'scanning: first scan',
    generation: 1,
  },
  NOW,
);
const stuck = stalled([], { reason: 'ImageURLInvalid', message: 'bad', generation: 1 }, NOW);
const QUIET = 'tags did not change, next scan in 5m0s';

describe('which event a run leaves (9.1)', () => {
  const three = good('3 tags');
  const four = good('4 tags');
  const news = { type: 'Normal', reason: 'Succeeded', message: '4 tags' };
  const trace = { type: 'Normal', reason: 'Succeeded', message: QUIET };
  const warning = { type: 'Warning', reason: 'ReadOperationFailed', message: 'scan failed: x' };
  type Row = [
    name: string,
    before: typeof three,
    after: typeof three,
    quietText: string | undefined,
    Trigger,
    unknown,
  ];
  const rows: Row[] = [
    ['ready, another message', three, four, QUIET, 'timer', news],
    ['new', [], four, QUIET, 'change', news],
    ['repaired', failed, four, QUIET, 'timer', news],
    ['repaired after a stall', stuck, four, QUIET, 'change', news],
    ['left in the middle of a run', [...failed, ...four].slice(0, 1), four, QUIET, 'resync', news],
    ['fails', three, failed, undefined, 'timer', warning],
    ['fails again', failed, failed, undefined, 'timer', warning],
    [
      'stalls',
      three,
      stuck,
      undefined,
      'change',
      { type: 'Warning', reason: 'ImageURLInvalid', message: 'bad' },
    ],
    ['no news on a timer', four, four, QUIET, 'timer', undefined],
    ['no news at a start of the relay', four, four, QUIET, 'resync', undefined],
    ['no news, a person asked', four, four, QUIET, 'requested', trace],
    ['no news, after an edit', four, four, QUIET, 'change', trace],
  ];
  for (const [name, before, after, quietText, trigger, event] of rows) {
    it(name, () => assert.deepEqual(eventOf(before, after, quietText, trigger), event));
  }
});
