import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createManualClock } from '../../shared/runtime/manual-clock.ts';
import { createSchedule, firstDue, jitter } from './schedule.ts';

function setUp() {
  const clock = createManualClock(0);
  const fired: string[] = [];
  const schedule = createSchedule(clock, (key) => fired.push(`${key}@${clock.now()}`));
  return { clock, fired, schedule };
}

describe('schedule', () => {
  test('each key fires once, at its time, the oldest first', () => {
    const { clock, fired, schedule } = setUp();
    schedule.set('b', 200);
    schedule.set('a', 100);
    schedule.set('c', 300);
    clock.advance(1000);
    assert.deepEqual(fired, ['a@100', 'b@200', 'c@300']);
    assert.equal(schedule.size, 0);
  });

  test('a new time replaces the old one, earlier or later', () => {
    const { clock, fired, schedule } = setUp();
    schedule.set('later', 100);
    schedule.set('later', 500);
    schedule.set('sooner', 900);
    schedule.set('sooner', 200);
    clock.advance(1000);
    assert.deepEqual(fired, ['sooner@200', 'later@500']);
  });

  test('a removed key does not fire, and no timer is left behind', () => {
    const { clock, fired, schedule } = setUp();
    schedule.set('a', 100);
    schedule.remove('a');
    assert.equal(clock.pending, 0);
    clock.advance(1000);
    assert.deepEqual(fired, []);
  });

  test('ten thousand keys need one timer', () => {
    const { clock, schedule } = setUp();
    for (let n = 0; n < 10_000; n++) schedule.set(`k${n}`, 100 + n);
    assert.equal(clock.pending, 1);
  });

  test('a time in the past fires at once, and after a stop nothing does', () => {
    const { clock, fired, schedule } = setUp();
    clock.advance(1000);
    schedule.set('overdue', 10);
    clock.advance(0);
    schedule.set('a', 2000);
    schedule.stop();
    schedule.set('b', 2000);
    clock.advance(5000);
    assert.deepEqual(fired, ['overdue@1000']);
  });
});

describe('first due time after a start', () => {
  const now = 1_000_000;
  for (const [what, lastRunAt, due] of [
    ['last run + interval', now - 40_000, now + 20_000],
    ['overdue: in the past', now - 90_000, now - 30_000],
    ['a clock that was ahead: one interval at most', now + 500_000, now + 60_000],
  ] as const) {
    test(what, () => assert.equal(firstDue({ uid: 'u', intervalMs: 60_000, lastRunAt }, now), due));
  }

  test('without an interval there is no timer', () =>
    assert.equal(firstDue({ uid: 'u', intervalMs: 0, lastRunAt: now }, now), undefined));

  test('without a time in the status they are spread over one interval, the same at every start', () => {
    const dueOf = (n: number) =>
      firstDue({ uid: `0b9f5c1e-1111-4222-8333-${n}`, intervalMs: 60_000, lastRunAt: undefined }, now)! - now;
    const tenths = new Array(10).fill(0);
    for (let n = 0; n < 10_000; n++) tenths[Math.floor(dueOf(n) / 6000)] += 1;
    assert.ok(
      tenths.every((count) => count > 800 && count < 1200),
      `uneven: ${tenths}`,
    );
    assert.equal(dueOf(7), dueOf(7));
  });
});

test('jitter stays within its percentage, and none is none', () => {
  assert.equal(
    jitter(1000, 0, () => 0.9),
    1000,
  );
  assert.equal(
    jitter(1000, 10, () => 0),
    900,
  );
  assert.equal(
    jitter(1000, 10, () => 0.5),
    1000,
  );
  assert.equal(
    jitter(1000, 10, () => 1),
    1100,
  );
});
