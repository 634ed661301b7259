import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createManualClock } from '../runtime/manual-clock.ts';
import { QuayError } from './errors.ts';
import { RequestPace } from './request-pace.ts';

const FOREVER = Number.POSITIVE_INFINITY;
const signal = new AbortController().signal;

function setup(perSecond = 2) {
  const clock = createManualClock();
  const pace = new RequestPace(perSecond, clock);
  const turns: string[] = [];
  const take = (name: string, deadline = FOREVER, until = signal) =>
    pace.turn(name, deadline, until).then(() => void turns.push(name));
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  return { clock, pace, turns, take, settle };
}

test('a burst of five seconds at once, then one after the other at the rate, in their order', async () => {
  const { clock, turns, take, settle } = setup();
  const names = Array.from({ length: 14 }, (_, index) => `r${index}`);
  const all = Promise.all(names.map((name) => take(name)));
  await settle();
  assert.deepEqual(turns, names.slice(0, 10));
  for (const expected of [11, 12, 13, 14]) {
    clock.advance(499);
    await settle();
    assert.equal(turns.length, expected - 1);
    clock.advance(1);
    await settle();
    assert.equal(turns.length, expected);
  }
  await all;
  assert.deepEqual(turns, names);
});

test('who rests gets a burst again, never a larger one', async () => {
  const { clock, turns, take, settle } = setup();
  for (let index = 0; index < 10; index++) await take('first');
  clock.advance(3_600_000);
  for (let index = 0; index < 11; index++) void take('second');
  await settle();
  assert.equal(turns.filter((name) => name === 'second').length, 10);
});

test('a turn that comes too late is refused at once, with the wait', async () => {
  const { clock, take } = setup();
  for (let index = 0; index < 10; index++) await take('r');
  void take('waits');
  await assert.rejects(take('late', clock.now() + 900), (error: QuayError) => {
    assert.ok(error instanceof QuayError);
    assert.deepEqual([error.kind, error.retryAfterMs, error.repeatable], ['throttled', 1000, false]);
    return true;
  });
});

test('who gives up leaves the turn to the others', async () => {
  const { clock, turns, take, settle } = setup();
  for (let index = 0; index < 10; index++) await take('r');
  const ending = new AbortController();
  const gone = take('gone', FOREVER, ending.signal);
  void take('next');
  ending.abort(new Error('over'));
  await assert.rejects(gone, { name: 'QuayError', kind: 'aborted', message: 'gone: over' });
  await assert.rejects(take('gone', FOREVER, ending.signal), { kind: 'aborted' });
  clock.advance(500);
  await settle();
  assert.deepEqual(turns.slice(10), ['next']);
});

test('quiet: nobody asks until it is over, at most five minutes', async () => {
  const { clock, pace, turns, take, settle } = setup();
  pace.quiet(5000);
  void take('a');
  clock.advance(4999);
  await settle();
  assert.deepEqual(turns, []);
  clock.advance(1);
  await settle();
  assert.deepEqual(turns, ['a']);
  pace.quiet(24 * 3_600_000);
  void take('b');
  clock.advance(5 * 60_000);
  await settle();
  assert.deepEqual(turns, ['a', 'b']);
});
