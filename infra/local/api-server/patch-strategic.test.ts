import assert from 'node:assert/strict';
import { test } from 'node:test';
import { strategicPatch } from './patch-strategic.ts';

const MERGE = { 'x-kubernetes-patch-strategy': 'merge' };
const SCHEMA = {
  type: 'object' as const,
  properties: {
    keyed: { type: 'array' as const, ...MERGE, 'x-kubernetes-patch-merge-key': 'name' },
    scalars: { type: 'array' as const, ...MERGE },
    plain: { type: 'array' as const },
    map: { type: 'object' as const, additionalProperties: { type: 'string' as const } },
  },
};

const rows: [what: string, target: object, patch: object, result: object][] = [
  ['null removes', { map: { a: '1', b: '2' } }, { map: { a: null } }, { map: { b: '2' } }],
  ['plain lists are replaced', { plain: [1, 2] }, { plain: [3] }, { plain: [3] }],
  ['scalars are added once', { scalars: ['a'] }, { scalars: ['a', 'b'] }, { scalars: ['a', 'b'] }],
  [
    'items merge by key',
    { keyed: [{ name: 'a', x: 1 }] },
    { keyed: [{ name: 'a', y: 2 }, { name: 'b' }] },
    { keyed: [{ name: 'a', x: 1, y: 2 }, { name: 'b' }] },
  ],
  [
    'an item is deleted',
    { keyed: [{ name: 'a' }, { name: 'b' }] },
    { keyed: [{ name: 'a', $patch: 'delete' }] },
    { keyed: [{ name: 'b' }] },
  ],
  [
    'an item that is not there is deleted',
    { keyed: [] },
    { keyed: [{ name: 'a', $patch: 'delete' }] },
    { keyed: [] },
  ],
  [
    'a list is replaced',
    { keyed: [{ name: 'a' }] },
    { keyed: [{ $patch: 'replace' }, { name: 'b' }] },
    { keyed: [{ name: 'b' }] },
  ],
  ['a map is replaced', { map: { a: '1' } }, { map: { $patch: 'replace', b: '2' } }, { map: { b: '2' } }],
  [
    'scalars are deleted',
    { scalars: ['a', 'b'] },
    { '$deleteFromPrimitiveList/scalars': ['a'] },
    { scalars: ['b'] },
  ],
  [
    'items are ordered',
    { keyed: [{ name: 'a' }] },
    { '$setElementOrder/keyed': [{ name: 'b' }, { name: 'a' }], keyed: [{ name: 'b' }] },
    { keyed: [{ name: 'b' }, { name: 'a' }] },
  ],
  [
    'other keys are dropped',
    { map: { a: '1', b: '2' } },
    { map: { $retainKeys: ['b', 'c'], c: '3' } },
    { map: { b: '2', c: '3' } },
  ],
];
for (const [what, target, patch, result] of rows) {
  test(what, () => {
    const before = structuredClone(target);
    assert.deepEqual(strategicPatch(SCHEMA, target, patch), result);
    assert.deepEqual(target, before);
  });
}

test('refused: an item without its key, an unknown directive', () => {
  assert.throws(() => strategicPatch(SCHEMA, {}, { keyed: [{ x: 1 }] }), /declared merge key: name/);
  assert.throws(() => strategicPatch(SCHEMA, {}, { map: { $patch: 'other' } }), /\$patch/);
});
