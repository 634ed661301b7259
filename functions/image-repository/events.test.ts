import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { retrying, stalled, succeeded } from '../../shared/kube/conditions.ts';
import type { Trigger } from '../../shared/runtime/contract.ts';
import { eventOf, nextScanText, type QuietEnd } from './events.ts';

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
const QUIET: QuietEnd = { scanned: true, changed: false, waitMs: 300_000 };

describe('which event a run leaves (9.1)', () => {
  const three = good('3 tags');
  const four = good('4 tags');
  const news = { type: 'Normal', reason: 'Succeeded', message: '4 tags' };
  const trace = { type: 'Normal', reason: 'Succeeded', message: 'tags did not change, next scan in 5m0s' };
  const warning = { type: 'Warning', reason: 'ReadOperationFailed', message: 'scan failed: x' };
  type Row = [
    name: string,
    before: typeof three,
    after: typeof three,
    end: QuietEnd | undefined,
    Trigger,
    unknown,
  ];
  const rows: Row[] = [
    ['ready, another message', three, four, { ...QUIET, changed: true }, 'timer', news],
    ['new', [], four, { ...QUIET, changed: true }, 'change', news],
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
  for (const [name, before, after, end, trigger, event] of rows) {
    it(name, () => assert.deepEqual(eventOf(before, after, end, trigger), event));
  }
});

describe('when the next scan is (IR-EVT-1)', () => {
  const rows: [QuietEnd, string][] = [
    [QUIET, 'tags did not change, next scan in 5m0s'],
    [{ ...QUIET, changed: true, waitMs: 3_600_000 }, 'successful scan, next scan in 1h0m0s'],
    [
      { scanned: false, changed: false, waitMs: 299_123 },
      'no change in repository configuration since last scan, next scan in 4m59s',
    ],
    [{ ...QUIET, waitMs: 1500 }, 'tags did not change, next scan in 1.5s'],
    [{ ...QUIET, waitMs: 0 }, 'tags did not change, no next scan: the interval is 0s'],
  ];
  for (const [end, text] of rows) it(text, () => assert.equal(nextScanText(end), text));
});
