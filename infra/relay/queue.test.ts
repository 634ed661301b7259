import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createManualClock } from '../../shared/runtime/manual-clock.ts';
import { createQueue, LANES } from './queue.ts';

function setUp() {
  const clock = createManualClock();
  const queue = createQueue(clock);
  const take = (limit = 25) => queue.take(limit).map(({ key }) => key);
  return { clock, queue, take };
}

describe('queue', () => {
  test('a key that is added three times runs once', () => {
    const { queue, take } = setUp();
    for (let n = 0; n < 3; n++) queue.add('a', 'now', 'change');
    assert.deepEqual(take(), ['a']);
    queue.done('a');
    assert.deepEqual(take(), []);
  });

  test('a key that is added while it runs runs once more, afterwards', () => {
    const { queue, take } = setUp();
    queue.add('a', 'now', 'change');
    take();
    queue.add('a', 'now', 'change');
    queue.add('a', 'now', 'change');
    assert.deepEqual(take(), []);
    queue.done('a');
    assert.deepEqual(take(), ['a']);
    queue.done('a');
    assert.deepEqual(take(), []);
  });

  test('changes go first, then timers, then retries, what the start found, its checks last', () => {
    const { clock, queue, take } = setUp();
    for (const lane of [...LANES].reverse()) queue.add(lane, lane, 'timer');
    clock.advance(250);
    assert.deepEqual(
      LANES.map(() => take()),
      LANES.map((lane) => [lane]),
    );
  });

  test('within a lane the oldest due goes first', () => {
    const { clock, queue, take } = setUp();
    const now = clock.now();
    queue.add('young', 'timer', 'timer', now - 10);
    queue.add('old', 'timer', 'timer', now - 1000);
    clock.advance(250);
    assert.deepEqual(take(1), ['old']);
    assert.deepEqual(take(1), ['young']);
  });

  test('a change lifts a key that waits in a later lane', () => {
    const { queue } = setUp();
    queue.add('a', 'initial', 'resync');
    queue.add('a', 'now', 'change');
    assert.deepEqual(
      queue.take(25).map(({ key, lane, trigger }) => ({ key, lane, trigger })),
      [{ key: 'a', lane: 'now', trigger: 'change' }],
    );
    assert.equal(queue.waiting, 0);
  });

  test('a request outlives a weaker reason that comes later', () => {
    const { queue } = setUp();
    queue.add('a', 'now', 'requested');
    queue.add('a', 'now', 'change');
    assert.equal(queue.take(1)[0]?.trigger, 'requested');
  });

  test('changed keys go out at once, timers gather for 250 ms or 25 keys', () => {
    const { clock, queue, take } = setUp();
    queue.add('timer', 'timer', 'timer');
    queue.add('changed', 'now', 'change');
    assert.deepEqual(take(), ['changed']);
    assert.deepEqual(take(), []);
    assert.equal(queue.gathersUntil(), clock.now() + 250);
    clock.advance(249);
    assert.deepEqual(take(), []);
    clock.advance(1);
    assert.deepEqual(take(), ['timer']);
    for (let n = 0; n < 25; n++) queue.add(`t${n}`, 'timer', 'timer');
    assert.equal(take().length, 25);
  });

  test('what has gathered goes out together where a batch is one key, and no more than 25', () => {
    const { clock, queue, take } = setUp();
    for (let n = 10; n < 40; n++) queue.add(`t${n}`, 'timer', 'timer', clock.now() + n);
    const together = Array.from({ length: 26 }, () => take(1)[0]);
    assert.deepEqual([together[0], together[24], together[25]], ['t10', 't34', undefined]);
    clock.advance(35 + 250);
    const rest = Array.from({ length: 6 }, () => take(1)[0]);
    assert.deepEqual([rest[0], rest[4], rest[5]], ['t35', 't39', undefined]);
  });

  test('what is removed does not run, and does not run again after its run', () => {
    const { queue, take } = setUp();
    queue.add('a', 'now', 'change');
    queue.remove('a');
    assert.deepEqual(take(), []);
    queue.add('b', 'now', 'change');
    take();
    queue.add('b', 'now', 'change');
    queue.remove('b');
    queue.done('b');
    assert.deepEqual(take(), []);
  });

  test('whatever the order of adds, starts and ends: no key runs twice at once, no change is lost', () => {
    const key = fc.constantFrom('a', 'b', 'c', 'd', 'e');
    const step = fc.oneof(
      fc.record({ do: fc.constant('add' as const), key, lane: fc.constantFrom(...LANES) }),
      fc.record({ do: fc.constant('take' as const), limit: fc.integer({ min: 1, max: 4 }) }),
      fc.record({ do: fc.constant('end' as const), key }),
      fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 400 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const { clock, queue, take } = setUp();
        const running = new Set<string>();
        /** Keys that were added and have not started since. */
        const pending = new Set<string>();
        const start = (keys: string[]) => {
          for (const each of keys) {
            assert.ok(!running.has(each), `${each} runs twice at once`);
            assert.ok(pending.has(each), `${each} runs though nobody asked`);
            running.add(each);
            pending.delete(each);
          }
        };
        const end = (each: string) => {
          if (running.delete(each)) queue.done(each);
        };
        for (const each of steps) {
          if (each.do === 'wait') clock.advance(each.ms);
          else if (each.do === 'take') start(take(each.limit));
          else if (each.do === 'end') end(each.key);
          else {
            queue.add(each.key, each.lane, 'change');
            pending.add(each.key);
          }
          assert.equal(queue.running, running.size);
        }
        for (let round = 0; round < 4 * LANES.length; round++) {
          for (const each of [...running]) end(each);
          clock.advance(250);
          start(take(25));
        }
        assert.deepEqual([...pending], []);
        assert.equal(queue.waiting, 0);
      }),
    );
  });
});
