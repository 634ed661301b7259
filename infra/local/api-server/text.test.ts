/** Ages and JSON paths: what tables are made of. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ageSince, ageText } from './age.ts';
import { findPath } from './json-path.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const ages: [ms: number, text: string][] = [
  [-5 * SECOND, '<invalid>'],
  [-1 * SECOND, '0s'],
  [0, '0s'],
  [119 * SECOND, '119s'],
  [2 * MINUTE, '2m'],
  [3 * MINUTE + 12 * SECOND, '3m12s'],
  [10 * MINUTE + 30 * SECOND, '10m'],
  [179 * MINUTE, '179m'],
  [3 * HOUR + 5 * MINUTE, '3h5m'],
  [9 * HOUR + 5 * MINUTE, '9h'],
  [47 * HOUR, '47h'],
  [2 * DAY + 3 * HOUR, '2d3h'],
  [8 * DAY + 3 * HOUR, '8d'],
  [729 * DAY, '729d'],
  [2 * 365 * DAY + 30 * DAY, '2y30d'],
  [9 * 365 * DAY + 30 * DAY, '9y'],
];
for (const [ms, text] of ages) test(`${ms} ms ago: ${text}`, () => assert.equal(ageText(ms), text));

test('ages of what is no time', () => {
  assert.equal(ageSince(undefined, 0), '<unknown>');
  assert.equal(ageSince('soon', 0), '<unknown>');
});

const OBJECT = {
  spec: { image: 'a', 'dotted.key': 'b', none: null },
  list: [
    { name: 'x', value: 1 },
    { name: 'y', value: 2 },
  ],
  status: {
    conditions: [
      { type: 'Ready', status: 'True' },
      { type: 'Stalled', status: 'False' },
    ],
  },
};
const paths: [path: string, found: unknown[]][] = [
  ['.spec.image', ['a']],
  ['.spec.dotted\\.key', ['b']],
  [".spec['dotted.key']", ['b']],
  ['.spec.none', []],
  ['.spec.other.deeper', []],
  ['.list[1].name', ['y']],
  ['.list[*].value', [1, 2]],
  ['.list[9].name', []],
  ['.status.conditions[?(@.type=="Ready")].status', ['True']],
  [".status.conditions[?(@.type == 'Stalled')].status", ['False']],
  ['.status.conditions[?(@.type!="Ready")].status', ['False']],
  ['.list[?(@.value==2)].name', ['y']],
  ['.spec.constructor', []],
  ['spec image', []],
];
for (const [path, found] of paths) test(path, () => assert.deepEqual(findPath(path, OBJECT), found));
