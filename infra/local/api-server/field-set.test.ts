import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { changesOf, difference, type Fields, fieldsOf, intersection, pathsOf, unionOf } from './field-set.ts';

const SCHEMA = {
  type: 'object' as const,
  properties: {
    spec: {
      type: 'object' as const,
      properties: {
        atomic: { type: 'array' as const, items: { type: 'string' as const } },
        set: {
          type: 'array' as const,
          items: { type: 'string' as const },
          'x-kubernetes-list-type': 'set',
        },
        keyed: {
          type: 'array' as const,
          items: { type: 'object' as const },
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['name'],
        },
        map: { type: 'object' as const, additionalProperties: { type: 'string' as const } },
      },
    },
  },
};

test('members, list items by key, items of sets; lists without a statement are one field', () => {
  const value = { spec: { atomic: ['a'], set: ['x'], keyed: [{ name: 'k', v: 1 }], map: { a: '1' } } };
  assert.deepEqual(fieldsOf(SCHEMA, value), {
    'f:spec': {
      'f:atomic': {},
      'f:set': { 'v:"x"': {} },
      'f:keyed': { 'k:{"name":"k"}': { '.': {}, 'f:name': {}, 'f:v': {} } },
      'f:map': { 'f:a': {} },
    },
  });
});

test('what was written and what was removed', () => {
  const before = { spec: { map: { a: '1', b: '2' }, set: ['x', 'y'] } };
  const after = { spec: { map: { a: '9', c: '3' }, set: ['y', 'z'] } };
  assert.deepEqual(changesOf(SCHEMA, before, after), {
    written: { 'f:spec': { 'f:map': { 'f:a': {}, 'f:c': {} }, 'f:set': { 'v:"z"': {} } } },
    removed: { 'f:spec': { 'f:map': { 'f:b': {} }, 'f:set': { 'v:"x"': {} } } },
  });
  assert.deepEqual(changesOf(SCHEMA, before, structuredClone(before)), {});
});

test('paths as conflicts name them', () => {
  const value = { spec: { set: ['x'], keyed: [{ name: 'k', v: 1 }] } };
  assert.deepEqual(pathsOf(fieldsOf(SCHEMA, value)), [
    '.spec.keyed[name="k"]',
    '.spec.keyed[name="k"].name',
    '.spec.keyed[name="k"].v',
    '.spec.set[="x"]',
  ]);
});

/** Sets of up to three levels; undefined is the empty one. */
const leaf = fc.constant<Fields>({});
const step = fc.constantFrom('f:a', 'f:b', 'f:c');
const node = (below: fc.Arbitrary<Fields>) =>
  fc
    .dictionary(step, below, { minKeys: 1 })
    .chain((fields) => fc.boolean().map((self): Fields => (self ? { '.': {}, ...fields } : fields)));
const sets = fc.option(
  fc.dictionary(step, fc.oneof(leaf, node(fc.oneof(leaf, node(leaf)))), { minKeys: 1 }),
  {
    nil: undefined,
  },
);
const members = (fields: Fields | undefined) => (fields ? pathsOf(fields).toSorted() : []);

test('union, difference and intersection are those of the members', () => {
  fc.assert(
    fc.property(sets, sets, (a, b) => {
      const [left, right] = [members(a), members(b)];
      const isIn = (list: string[]) => (path: string) => list.includes(path);
      const isNotIn = (list: string[]) => (path: string) => !list.includes(path);
      const both = [...left, ...right.filter(isNotIn(left))].toSorted();
      assert.deepEqual(members(unionOf(a, b)), both);
      assert.deepEqual(members(difference(a, b)), left.filter(isNotIn(right)));
      assert.deepEqual(members(intersection(a, b)), left.filter(isIn(right)));
    }),
  );
});
