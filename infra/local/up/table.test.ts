import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import type { ObjectRow } from './object-row.ts';
import { ageText, plainLine, tableLines } from './table.ts';

const NOW = Date.UTC(2026, 0, 1);

function row(name: string, change: Partial<ObjectRow> = {}): ObjectRow {
  return {
    kind: 'ImageRepository',
    name,
    ready: 'True',
    reason: 'Succeeded',
    message: 'found 3 tags',
    createdAt: NOW - 65_000,
    settled: true,
    ...change,
  };
}

const wide = { width: 100, height: 20, color: false };

test('columns are as wide as their widest cell', () => {
  const failed = row('b/longer', { ready: 'False', reason: 'AuthenticationFailed', message: 'no' });
  assert.deepEqual(tableLines([row('a/a'), failed], NOW, wide), [
    'KIND             NAMESPACE/NAME  READY  REASON                MESSAGE       AGE',
    'ImageRepository  a/a             True   Succeeded             found 3 tags  65s',
    'ImageRepository  b/longer        False  AuthenticationFailed  no            65s',
  ]);
});

test('a message gives way first', () => {
  const lines = tableLines([row('a/a', { message: 'x'.repeat(200) })], NOW, { ...wide, width: 80 });
  assert.deepEqual(
    lines.map((line) => line.length),
    [80, 80],
  );
  assert.match(lines[1]!, /x… {2}65s$/);
});

const longNames = [
  row('test-ns/imagerepository-for-component-sample', { kind: 'ImageRepository.appstudio' }),
  row('test-ns/imagerepository-sample', { kind: 'ImageRepository.appstudio', ready: 'False' }),
  row('apps/web', { reason: 'OCIArtifactPullFailed', message: `couldn't find tag "0.0.1"${'x'.repeat(60)}` }),
];

test('names, reasons and kinds make room for a message that can be read', () => {
  assert.deepEqual(tableLines(longNames, NOW, { ...wide, width: 120 }), [
    'KIND                       NAMESPACE/NAME          READY  REASON           MESSAGE                                   AGE',
    'ImageRepository.appstudio  test-ns/ima…ent-sample  True   Succeeded        found 3 tags                              65s',
    'ImageRepository.appstudio  test-ns/ima…ory-sample  False  Succeeded        found 3 tags                              65s',
    `ImageRepository            apps/web                True   OCIArtifactPul…  couldn't find tag "0.0.1"xxxxxxxxxxxxxx…  65s`,
  ]);
});

test('a terminal of 80 characters has no room for reasons, but for the age', () => {
  assert.deepEqual(tableLines(longNames, NOW, { ...wide, width: 80 }), [
    'KIND                  NAMESPACE/NAME          READY  MESSAGE                 AGE',
    'ImageRepository.app…  test-ns/ima…ent-sample  True   found 3 tags            65s',
    'ImageRepository.app…  test-ns/ima…ory-sample  False  found 3 tags            65s',
    `ImageRepository       apps/web                True   couldn't find tag "0.…  65s`,
  ]);
});

test('colour changes no width', () => {
  const colored = tableLines([row('a/a')], NOW, { ...wide, color: true });
  assert.notDeepEqual(colored, tableLines([row('a/a')], NOW, wide));
  const plain = colored.map(stripVTControlCharacters);
  assert.deepEqual(plain, tableLines([row('a/a')], NOW, wide));
});

test('where not all have room, those that somebody waits for are shown', () => {
  const rows = [row('a/1'), row('a/2'), row('a/3'), row('a/4', { settled: false })];
  const lines = tableLines(rows, NOW, { ...wide, height: 4 });
  assert.equal(lines.length, 4);
  assert.match(lines[1]!, / a\/4 /);
  assert.equal(lines[3], '… and 2 more');
});

test('no table is larger than its terminal', () => {
  const cell = fc.string({ unit: 'binary-ascii', maxLength: 60 });
  fc.assert(
    fc.property(
      fc.array(fc.record({ name: cell, message: cell, reason: cell, settled: fc.boolean() }), {
        maxLength: 12,
      }),
      fc.integer({ min: 1, max: 200 }),
      fc.integer({ min: 3, max: 10 }),
      (changes, width, height) => {
        const rows = changes.map((change) => row('', change));
        const lines = tableLines(rows, NOW, { width, height, color: false });
        assert.ok(lines.length <= height, `${lines.length} lines`);
        for (const line of lines) assert.ok(line.length <= width, line);
      },
    ),
  );
});

test('a plain line says the same in words', () => {
  assert.equal(plainLine(row('a/a')), 'ImageRepository a/a Ready=True Succeeded: found 3 tags');
  const fresh = row('a/a', { ready: '-', reason: '-', message: '' });
  assert.equal(plainLine(fresh), 'ImageRepository a/a Ready=Unknown -');
});

for (const [ms, text] of [
  [-5, '0s'],
  [119_999, '119s'],
  [120_000, '2m'],
  [7_199_000, '119m'],
  [7_200_000, '2h'],
  [172_800_000, '2d'],
] as const) {
  test(`an age of ${ms} ms is ${text}`, () => assert.equal(ageText(ms), text));
}
