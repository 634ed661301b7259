import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nextScanText, type QuietEnd } from './events.ts';

const QUIET: QuietEnd = { scanned: true, changed: false, waitMs: 300_000 };

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
