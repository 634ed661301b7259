import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { Batch, BatchResult } from '../../shared/runtime/contract.ts';
import { createManualClock } from '../../shared/runtime/manual-clock.ts';
import { createInProcessTarget } from './dispatch-in-process.ts';
import { DispatchError } from './dispatch-target.ts';

const signal = new AbortController().signal;

/** Runs that end when the test says so. */
function setUp(concurrent: number) {
  const clock = createManualClock();
  const running: ((result: BatchResult) => void)[] = [];
  const handler = () => new Promise<BatchResult>((resolve) => running.push(resolve));
  const target = createInProcessTarget({ handlers: new Map([['scan', handler]]), concurrent, clock });
  const send = () => void target.send('scan', {} as Batch, signal);
  return { clock, running, target, send };
}

test('no more runs than allowed start at the same time; one that ends makes room', async () => {
  const { running, send } = setUp(4);
  for (let run = 0; run < 5; run++) send();
  await turn();
  assert.equal(running.length, 2);
  running[0]!({} as BatchResult);
  await turn();
  assert.equal(running.length, 3);
});

test('a run that takes longer than 250 ms makes room for others, once', async () => {
  const { clock, running, send } = setUp(4);
  for (let run = 0; run < 6; run++) send();
  await turn();
  clock.advance(250);
  await turn();
  assert.equal(running.length, 4);
  running[0]!({} as BatchResult);
  await turn();
  assert.equal(running.length, 4);
});

test('what a function throws is a failure of the function, not of the way to it', async () => {
  const broken = async () => {
    throw new Error('out of memory');
  };
  const clock = createManualClock();
  const target = createInProcessTarget({ handlers: new Map([['scan', broken]]), concurrent: 1, clock });
  const isFailure = (error: unknown) =>
    error instanceof DispatchError && error.kind === 'failed' && error.message === 'out of memory';
  await assert.rejects(target.send('scan', {} as Batch, signal), isFailure);
  await assert.rejects(target.send('scan', {} as Batch, signal), isFailure);
});
