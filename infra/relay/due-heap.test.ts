import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createDueHeap, type Due } from './due-heap.ts';

test('the earliest leaves first, equal ones in the order in which they came', () => {
  const heap = createDueHeap<Due>();
  for (const [key, due] of [
    ['c', 30],
    ['a', 10],
    ['x', 20],
    ['y', 20],
  ] as const) {
    heap.set({ key, due });
  }
  assert.deepEqual(drain(heap), ['a', 'x', 'y', 'c']);
});

test('a key that comes again moves instead of standing there twice', () => {
  const heap = createDueHeap<Due>();
  heap.set({ key: 'a', due: 10 });
  heap.set({ key: 'b', due: 20 });
  heap.set({ key: 'a', due: 30 });
  assert.equal(heap.size, 2);
  assert.equal(heap.get('a')?.due, 30);
  assert.deepEqual(drain(heap), ['b', 'a']);
});

test('whatever is set and deleted, what leaves is sorted and complete', () => {
  const step = fc.record({
    key: fc.integer({ min: 0, max: 20 }).map(String),
    due: fc.nat(50),
    drop: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const heap = createDueHeap<Due>();
      const model = new Map<string, number>();
      for (const { key, due, drop } of steps) {
        if (drop) {
          assert.equal(heap.delete(key)?.due, model.get(key));
          model.delete(key);
        } else {
          heap.set({ key, due });
          model.set(key, due);
        }
      }
      const left: number[] = [];
      for (let item = heap.pop(); item; item = heap.pop()) left.push(item.due);
      assert.deepEqual(
        left,
        [...model.values()].sort((a, b) => a - b),
      );
    }),
  );
});

function drain(heap: { pop(): Due | undefined }): string[] {
  const keys: string[] = [];
  for (let item = heap.pop(); item; item = heap.pop()) keys.push(item.key);
  return keys;
}
