import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { applyMergePatch, changesOnly, type JsonObject, mergePatch } from './merge-patch.ts';

const cases: [string, unknown, JsonObject, JsonObject | undefined][] = [
  ['nothing', { a: 1, b: { c: [1] } }, { b: { c: [1] }, a: 1 }, undefined],
  ['a value', { a: 1, b: 2 }, { a: 3, b: 2 }, { a: 3 }],
  ['a new member', {}, { a: 1 }, { a: 1 }],
  ['a member that is gone', { a: 1, b: 2 }, { a: 1 }, { b: null }],
  ['a member that is undefined', { a: 1, b: 2 }, { a: 1, b: undefined }, { b: null }],
  ['undefined on both sides', { a: undefined }, { b: undefined }, undefined],
  ['one member deep inside', { a: { b: 1, c: 2 } }, { a: { b: 1, c: 3 } }, { a: { c: 3 } }],
  ['a list as a whole', { a: [1, 2] }, { a: [1, 3] }, { a: [1, 3] }],
  ['the order of a list', { a: [1, 2] }, { a: [2, 1] }, { a: [2, 1] }],
  ['equal objects in a list', { a: [{ x: 1, y: 2 }] }, { a: [{ y: 2, x: 1 }] }, undefined],
  ['an empty object that was not there', {}, { a: {} }, { a: {} }],
  ['an empty object that was there', { a: {} }, { a: {} }, undefined],
  ['an object instead of a value', { a: 1 }, { a: { b: 2 } }, { a: { b: 2 } }],
  ['no object before', undefined, { a: 1 }, { a: 1 }],
];
for (const [name, before, after, expected] of cases) {
  test(`difference: ${name}`, () => assert.deepEqual(mergePatch(before, after), expected));
}

test('a patch makes what it was made for, and then there is nothing left to do', () => {
  const json = fc.dictionary(
    fc.constantFrom('a', 'b', 'c'),
    fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        fc.integer({ min: 0, max: 2 }),
        fc.array(fc.integer({ min: 0, max: 1 }), { maxLength: 2 }),
        fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('value'), { noNullPrototype: true }),
      ),
    })).value,
    { noNullPrototype: true },
  );
  fc.assert(
    fc.property(json, json, (before, after) => {
      const patch = mergePatch(before, after);
      const result = patch ? applyMergePatch(before, patch) : before;
      assert.deepEqual(result, after);
      assert.equal(mergePatch(result, after), undefined);
    }),
  );
});

const within: [JsonObject, string[], boolean][] = [
  [{ checksum: 'x' }, ['checksum'], true],
  [{ checksum: null }, ['checksum'], true],
  [{ checksum: 'x', url: 'y' }, ['checksum'], false],
  [{ artifact: { checksum: 'x' } }, ['artifact.checksum'], true],
  [{ artifact: { checksum: 'x', url: 'y' } }, ['artifact.checksum'], false],
  [{ checksum: 'x' }, ['artifact.checksum'], false],
  [{ checksum: 'x' }, [], false],
];
for (const [patch, fields, expected] of within) {
  test(`${JSON.stringify(patch)} is ${expected ? '' : 'not '}within ${fields.join() || 'nothing'}`, () => {
    assert.equal(changesOnly(patch, fields), expected);
  });
}
