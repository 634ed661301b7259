import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDependencies } from './dependencies.ts';

test('the index follows what an object refers to now', () => {
  const index = createDependencies();
  index.set('r', ['b1', 'b2']);
  index.set('s', ['b1']);
  assert.deepEqual([...index.of('b1')], ['r', 's']);
  index.set('r', ['b2']);
  assert.deepEqual([[...index.of('b1')], [...index.of('b2')]], [['s'], ['r']]);
  index.set('s', []);
  assert.deepEqual([...index.of('b1')], []);
});
