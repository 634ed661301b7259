import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Batch, CONTRACT_VERSION, type Outcome } from '../../shared/runtime/contract.ts';
import { type Logger, silentLogger } from '../../shared/runtime/logger.ts';
import { createManualClock } from '../../shared/runtime/manual-clock.ts';
import { RELEASE } from '../../shared/runtime/release.ts';
import { DispatchError } from './dispatch-target.ts';
import { type Assignment, createDispatcher, type DispatcherOptions, type Undelivered } from './dispatcher.ts';
import { createQueue, type Lane } from './queue.ts';
import { createSlots } from './slots.ts';

const KIND = { group: 'test.dev', kind: 'Widget' };

interface Call {
  batch: Batch;
  names: string[];
  signal: AbortSignal;
  answer(outcomes?: unknown[], more?: object): void;
  fail(error: Error): void;
}

/** A dispatcher over a real queue; the test plays the function. */
function setUp(options: Partial<DispatcherOptions> = {}, batchSize = 25) {
  const clock = createManualClock();
  const queue = createQueue(clock);
  const calls: Call[] = [];
  const settled: { name: string; outcome: Outcome | Undelivered }[] = [];
  const lines: string[] = [];
  const log: Logger = {
    ...silentLogger,
    info: (line) => lines.push(line),
    error: (line) => lines.push(line),
  };
  const dispatcher = createDispatcher({
    functionName: 'widget',
    slots: createSlots(64),
    concurrent: 2,
    cluster: 'test',
    access: () => ({ provider: 'kubeconfig' }),
    epoch: () => 7,
    clock,
    log,
    target: {
      batchSize,
      batchesPerSlot: 1,
      send(_name, batch, signal) {
        const { promise, resolve, reject } = Promise.withResolvers<unknown>();
        const names = batch.requests.map(({ name }) => name);
        const answer = (outcomes: unknown[] = names.map((name) => ok(name)), more = {}) =>
          resolve({ contract: CONTRACT_VERSION, release: RELEASE, outcomes, ...more });
        calls.push({ batch, names, signal, answer, fail: reject });
        return promise;
      },
    },
    source: {
      take: (limit) =>
        queue.take(limit).map((work): Assignment => {
          const request = { ...KIND, namespace: 'ns', name: work.key, uid: `uid-${work.key}`, attempt: 0 };
          return { work, request: { ...request, trigger: work.trigger } };
        }),
      gathersUntil: () => queue.gathersUntil(),
      settle({ work }, outcome) {
        settled.push({ name: work.key, outcome });
        queue.done(work.key);
      },
    },
    ...options,
  });
  const add = async (names: string[], lane: Lane = 'now') => {
    for (const name of names) queue.add(name, lane, lane === 'now' ? 'change' : 'timer');
    dispatcher.wake();
    await turn();
  };
  const advance = async (ms: number) => {
    clock.advance(ms);
    await turn();
  };
  return { clock, queue, calls, settled, lines, dispatcher, add, advance };
}

function ok(name: string): Outcome {
  return { ...KIND, namespace: 'ns', name, result: 'ok', durationMs: 5, events: 0, requeueAfterMs: 1000 };
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

const names = (count: number, prefix = 'w') => Array.from({ length: count }, (_, n) => `${prefix}${n}`);

describe('dispatcher', () => {
  test('a changed key goes out at once, in a batch that says all a function must know', async () => {
    const { clock, calls, settled, add } = setUp();
    await add(['a']);
    assert.deepEqual(calls[0]?.batch, {
      contract: CONTRACT_VERSION,
      release: RELEASE,
      cluster: 'test',
      access: { provider: 'kubeconfig' },
      epoch: 7,
      deadline: clock.now() + 290_000,
      requests: [{ ...KIND, namespace: 'ns', name: 'a', uid: 'uid-a', trigger: 'change', attempt: 0 }],
    });
    calls[0]?.answer();
    await turn();
    assert.deepEqual(settled, [{ name: 'a', outcome: ok('a') }]);
  });

  test('what changes in the same turn shares a batch', async () => {
    const { calls, add } = setUp();
    await add(['a', 'b', 'c']);
    assert.deepEqual(
      calls.map(({ names }) => names),
      [['a', 'b', 'c']],
    );
  });

  test('timers gather up to 25, or for 250 ms', async () => {
    const { calls, add, advance } = setUp();
    await add(names(30), 'timer');
    assert.deepEqual(
      calls.map(({ names }) => names.length),
      [25],
    );
    await advance(249);
    assert.equal(calls.length, 1);
    await advance(1);
    assert.deepEqual(
      calls.map(({ names }) => names.length),
      [25, 5],
    );
  });

  test('no more batches than allowed are in flight, and the next one starts when one ends', async () => {
    const { calls, add, dispatcher } = setUp({}, 1);
    await add(names(3));
    assert.equal(calls.length, 2);
    assert.equal(dispatcher.inFlight, 2);
    calls[0]?.answer();
    await turn();
    assert.deepEqual(
      calls.map(({ names }) => names),
      [['w0'], ['w1'], ['w2']],
    );
  });

  test('functions share the slots: what one leaves free another takes', async () => {
    const slots = createSlots(1);
    const one = setUp({ slots });
    const two = setUp({ slots });
    await one.add(['a']);
    await two.add(['b']);
    assert.deepEqual([one.calls.length, two.calls.length], [1, 0]);
    one.calls[0]?.answer();
    await turn();
    await turn();
    assert.deepEqual([one.calls.length, two.calls.length], [1, 1]);
  });

  test('an outcome that is missing or malformed is a retry of its own key; a foreign one is ignored', async () => {
    const { calls, settled, add } = setUp();
    await add(['a', 'b', 'c']);
    calls[0]?.answer([{ ...ok('b'), durationMs: -1 }, ok('stranger'), ok('a')]);
    await turn();
    assert.deepEqual(
      settled.map(({ name, outcome }) => [name, outcome.result, 'reason' in outcome && outcome.reason]),
      [
        ['a', 'ok', false],
        ['b', 'retry', 'MissingOutcome'],
        ['c', 'retry', 'MissingOutcome'],
      ],
    );
  });

  for (const [what, answer, message] of [
    ['text instead of an answer', 'hello', /^function widget did not answer with the result of a batch$/],
    [
      'another contract',
      { contract: 2, release: RELEASE, outcomes: [] },
      /answers in contract 2, this relay speaks 1$/,
    ],
    [
      'a release too far away',
      { contract: 1, release: '9.9.9', outcomes: [] },
      /^function widget is release 9\.9\.9, .*upgrade/,
    ],
    [
      'no outcomes',
      { contract: 1, release: RELEASE },
      /^function widget did not answer with outcomes: outcomes: /,
    ],
  ] as const) {
    test(`${what}: every key is retried with a message that says so`, async () => {
      const { settled, add } = setUp({
        target: { batchSize: 25, batchesPerSlot: 1, send: async () => answer },
      });
      await add(['a', 'b']);
      assert.equal(settled.length, 2);
      for (const { outcome } of settled) {
        assert.equal(outcome.result, 'retry');
        assert.match('message' in outcome ? outcome.message : '', message);
      }
    });
  }

  test('a function that breaks: every key is retried as its own failure, after five times the circuit opens', async () => {
    const { calls, settled, add, dispatcher } = setUp();
    for (let n = 0; n < 5; n++) {
      assert.equal(dispatcher.circuitOpen, false);
      await add(['a']);
      calls[n]?.fail(new DispatchError('failed', 'widget failed: out of memory'));
      await turn();
    }
    assert.equal(dispatcher.circuitOpen, true);
    assert.ok(settled.every(({ outcome }) => outcome.result === 'retry'));
  });

  test('a throttled function is left alone as long as it asks; its keys are not blamed', async () => {
    const { calls, settled, add, advance } = setUp();
    await add(['a']);
    calls[0]?.fail(new DispatchError('throttled', 'busy', { retryAfterMs: 3000 }));
    await turn();
    assert.deepEqual(settled[0]?.outcome, {
      result: 'undelivered',
      reason: 'FunctionThrottled',
      message: 'busy',
      retryAfterMs: 0,
    });
    await add(['a', 'b']);
    await advance(2999);
    assert.equal(calls.length, 1);
    await advance(1);
    assert.deepEqual(calls[1]?.names, ['a', 'b']);
  });

  test('the circuit opens after five failures, tries one batch every 10 s, and closes with the first answer', async () => {
    const { calls, settled, add, advance, dispatcher, lines, queue } = setUp({}, 2);
    for (let n = 0; n < 5; n++) {
      await add([`a${n}`]);
      calls[n]?.fail(new DispatchError('unreachable', 'connection refused'));
      await turn();
    }
    assert.equal(dispatcher.circuitOpen, true);
    assert.deepEqual(
      settled.map(({ outcome }) => outcome.result === 'undelivered' && outcome.retryAfterMs),
      [750, 1500, 3000, 6000, 10_000],
    );
    await add(names(5));
    await add(names(5));
    assert.equal(queue.waiting, 5, 'the queue keeps coalescing');
    await advance(9999);
    assert.equal(calls.length, 5);
    await advance(1);
    assert.deepEqual(calls[5]?.names, ['w0', 'w1']);
    assert.equal(calls.length, 6, 'one batch only');
    calls[5]?.fail(new DispatchError('unreachable', 'connection refused'));
    await turn();
    await advance(10_000);
    assert.deepEqual(calls[6]?.names, ['w2', 'w3']);
    calls[6]?.answer();
    await turn();
    assert.equal(dispatcher.circuitOpen, false);
    assert.deepEqual(calls[7]?.names, ['w4']);
    assert.equal(lines.at(-1), 'function widget answers again');
  });

  test('without access to hand out nothing is sent, and nobody is blamed', async () => {
    const { calls, settled, add } = setUp({ access: () => Promise.reject(new Error('no token')) });
    await add(['a']);
    assert.equal(calls.length, 0);
    assert.equal(settled[0]?.outcome.result, 'undelivered');
  });

  test('a batch of which nothing was started does not spin', async () => {
    const { calls, add, advance } = setUp();
    await add(['a']);
    calls[0]?.answer([{ ...KIND, namespace: 'ns', name: 'a', result: 'deferred', durationMs: 0 }]);
    await add(['a']);
    assert.equal(calls.length, 1);
    await advance(1000);
    assert.equal(calls.length, 2);
  });

  test('ten seconds after its time a batch is given up', async () => {
    const { calls, add, advance } = setUp();
    await add(['a']);
    await advance(309_999);
    assert.equal(calls[0]?.signal.aborted, false);
    await advance(1);
    assert.equal(calls[0]?.signal.aborted, true);
  });

  test('a drain takes no more work and ends with the last batch', async () => {
    const { calls, add, dispatcher } = setUp();
    await add(['a']);
    let drained = false;
    const drain = dispatcher.drain().then(() => {
      drained = true;
    });
    await add(['b']);
    assert.deepEqual([calls.length, drained], [1, false]);
    calls[0]?.answer();
    await drain;
    await turn();
    assert.equal(calls.length, 1);
  });
});
