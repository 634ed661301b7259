/** The examples of `docs/cost.md` follow its formulas, and these what is deployed. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { PROJECT_FOLDER } from '../../infra/bundle/functions.ts';

const page = readFileSync(join(PROJECT_FOLDER, 'docs/cost.md'), 'utf8');
const { functions } = parse(readFileSync(join(PROJECT_FOLDER, 'serverless.yml'), 'utf8'), {
  logLevel: 'error',
}) as { functions: Record<string, { memorySize: number }> };

const MONTH_S = 2_592_000;
const CALL_S = 0.15;
/** $ of one, each. */
const PRICE = { call: 0.2e-6, gigabyteSecond: 0.0000133334, logOfCall: 0.5e-6, head: 0.4e-6 };

/** The cells of the rows that begin with a kind. */
const examples = [...page.matchAll(/^\| `(ImageRepository|OCIRepository)` \| (\d+) \| (\d+) \|(.*)\|$/gm)];

test('each example is what the formulas give', () => {
  assert.equal(examples.length, 6);
  for (const [row, kind, objects, interval, figures] of examples) {
    const name = kind === 'OCIRepository' ? 'oci-repository' : 'image-repository';
    const gigabytes = functions[name]!.memorySize / 1024;
    const rate = Number(objects) / Number(interval);
    const runs = rate * MONTH_S;
    const calls = runs / Math.min(25, 1 + 0.25 * rate);
    const lambda = calls * (PRICE.call + CALL_S * gigabytes * PRICE.gigabyteSecond);
    const logs = calls * PRICE.logOfCall;
    const heads = name === 'oci-repository' ? runs * PRICE.head : 0;
    const dollars = (amount: number) => `$${amount.toFixed(2)}`;
    const expected = [
      (runs / 1e6).toFixed(2),
      (calls / 1e6).toFixed(2),
      dollars(lambda),
      dollars(logs),
      heads ? dollars(heads) : '–',
      dollars(lambda + logs + heads),
    ];
    assert.deepEqual(
      figures!.split('|').map((cell) => cell.trim()),
      expected,
      row,
    );
  }
});

test('the number of functions, and with it that of alarms, is the deployed one', () => {
  assert.equal(Object.keys(functions).length, 5);
  assert.match(page, /3 for each of the 5 functions: \$1\.50/);
});
