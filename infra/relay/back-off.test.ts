import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBackOff } from './back-off.ts';

test('the wait doubles from 750 ms up to 15 minutes', () => {
  const backOff = createBackOff();
  const waits = Array.from({ length: 13 }, () => backOff.failed('a'));
  assert.deepEqual(waits.slice(0, 4), [750, 1500, 3000, 6000]);
  assert.deepEqual(waits.slice(-3), [768_000, 900_000, 900_000]);
});

test('a thousand failures do not leave the range of numbers', () => {
  const backOff = createBackOff();
  for (let n = 0; n < 1100; n++) backOff.failed('a');
  assert.equal(backOff.failed('a'), 900_000);
});

test('each key counts for itself, and a success starts over', () => {
  const backOff = createBackOff(1000, 10_000);
  backOff.failed('a');
  backOff.failed('a');
  assert.equal(backOff.attempts('a'), 2);
  assert.equal(backOff.attempts('b'), 0);
  assert.equal(backOff.failed('b'), 1000);
  backOff.reset('a');
  assert.equal(backOff.attempts('a'), 0);
  assert.equal(backOff.failed('a'), 1000);
});
