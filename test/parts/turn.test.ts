import assert from 'node:assert/strict';
import { test } from 'node:test';
import { takeTurn } from './turn.ts';

test('a second one waits until the first has ended its turn', {
  skip: process.platform !== 'linux',
}, async () => {
  const name = `test-${process.pid}`;
  const order: string[] = [];
  const end = await takeTurn(name);
  const second = takeTurn(name).then((endSecond) => {
    order.push('second');
    return endSecond();
  });
  order.push('first');
  await end();
  await second;
  assert.deepEqual(order, ['first', 'second']);
});
