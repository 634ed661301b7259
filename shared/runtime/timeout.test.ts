import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Clock } from './clock.ts';
import { startTimeout, TimeoutError } from './timeout.ts';

/** A clock whose one timer fires when told. */
function handClock() {
  let fire: (() => void) | undefined;
  const clock: Clock & { ms: number; fire(): void } = {
    ms: 0,
    now: () => 1_000_000,
    after(ms, callback) {
      clock.ms = ms;
      fire = callback;
      return () => {
        fire = undefined;
      };
    },
    fire: () => fire?.(),
  };
  return clock;
}

const never = new AbortController().signal;

describe('the deadline of a run (5.1 step 4, IR-REPO-3)', () => {
  it('is the timeout of the object', () => {
    const clock = handClock();
    const timeout = startTimeout(30_000, { clock, deadline: 1_300_000, signal: never });
    assert.equal(clock.ms, 30_000);
    assert.equal(timeout.deadline, 1_030_000);
    clock.fire();
    assert.ok(timeout.signal.reason instanceof TimeoutError);
    assert.equal(timeout.signal.reason.message, 'deadline of 30s exceeded');
  });

  it('is bounded by the time of the function minus 10 s, and says so', () => {
    const clock = handClock();
    const timeout = startTimeout(600_000, { clock, deadline: 1_060_000, signal: never });
    assert.equal(clock.ms, 50_000);
    clock.fire();
    assert.equal(
      timeout.signal.reason.message,
      'deadline of 50s exceeded: the function had no more time left, the timeout of the object is 10m0s',
    );
  });

  it('leaves a second when the function has nothing left', () => {
    const clock = handClock();
    startTimeout(600_000, { clock, deadline: 1_005_000, signal: never });
    assert.equal(clock.ms, 1000);
  });

  it('ends with the run, and keeps its reason', () => {
    const run = new AbortController();
    const timeout = startTimeout(30_000, { clock: handClock(), deadline: 1_300_000, signal: run.signal });
    run.abort(new Error('shutdown'));
    assert.equal(timeout.signal.reason.message, 'shutdown');
    assert.ok(startTimeout(1000, { clock: handClock(), deadline: 0, signal: run.signal }).signal.aborted);
  });

  it('stops waiting when the work is done', () => {
    const clock = handClock();
    const run = new AbortController();
    const timeout = startTimeout(30_000, { clock, deadline: 1_300_000, signal: run.signal });
    timeout.stop();
    clock.fire();
    run.abort();
    assert.equal(timeout.signal.aborted, false);
  });
});
