import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { KubeObject } from '../../shared/kube/resource.ts';
import { keyText, type Outcome } from '../../shared/runtime/contract.ts';
import { type Logger, silentLogger } from '../../shared/runtime/logger.ts';
import { createManualClock } from '../../shared/runtime/manual-clock.ts';
import { createBackOff } from './back-off.ts';
import { type Controller, createController } from './controller.ts';
import { createDependencies } from './dependencies.ts';
import type { Assignment } from './dispatcher.ts';
import { RELAY_KINDS, type RelayKind } from './kinds.ts';
import { createMetrics } from './metrics.ts';
import { createQueue } from './queue.ts';
import { testObject } from './test-api.ts';

const KIND = RELAY_KINDS[0]!;

/** A controller that leads, with the test as its dispatcher. */
function setUp(kind: RelayKind = KIND, options: { jitterPercent?: number } = {}) {
  const clock = createManualClock();
  const lines: Record<string, unknown>[] = [];
  const log: Logger = { ...silentLogger, error: (msg, fields) => lines.push({ msg, ...fields }) };
  const changed: string[] = [];
  const controller = createController({
    kind,
    queue: createQueue(clock),
    backOff: createBackOff(),
    dependencies: createDependencies(),
    jitterPercent: 0,
    baseUrl: '',
    metrics: createMetrics(clock).controller(kind),
    clock,
    random: () => 1,
    log,
    onWork: () => {},
    onChanged: (target) => changed.push(target),
    ...options,
  });
  controller.lead();
  /** What runs now, as `name trigger attempt`. */
  const runs = () => {
    const taken: Assignment[] = [];
    for (let some = controller.take(25); some.length > 0; some = controller.take(25)) taken.push(...some);
    return taken;
  };
  const texts = (taken: Assignment[]) =>
    taken.map(({ request }) => `${request.name} ${request.trigger} ${request.attempt}`);
  /** A time in the status, `ms` before now. */
  const ago = (ms: number) => new Date(clock.now() - ms).toISOString();
  return { clock, controller, lines, changed, runs, take: () => texts(runs()), ago };
}

function settle(controller: Controller, taken: Assignment[], result: Partial<Outcome>): void {
  for (const assignment of taken) {
    const { group, kind, namespace, name } = assignment.request;
    const outcome = { group, kind, namespace, name, durationMs: 1, events: 0, ...result } as Outcome;
    controller.settle(assignment, outcome);
  }
}

const FAILED = { result: 'retry', reason: 'ReadOperationFailed', message: 'scan failed: 503' } as const;

describe('controller: from what is seen to what runs', () => {
  test('a restart with 1,000 settled objects causes no run', () => {
    const { clock, controller, take, ago } = setUp();
    for (let n = 0; n < 1000; n++) {
      controller.seen(testObject(`o${n}`, { scanTime: ago(60_000), interval: '10m' }), true);
    }
    clock.advance(250);
    assert.deepEqual(take(), []);
    assert.equal(controller.state().scheduled, 1000);
    clock.advance(9 * 60_000);
    assert.equal(take().length, 1000);
  });

  test('what the start finds unsettled runs in the last lane, after what changes', () => {
    const { clock, controller, take } = setUp();
    controller.seen(testObject('failed', { ready: 'False' }), true);
    controller.seen(testObject('edited', { generation: 2 }), true);
    controller.seen(testObject('requested', { requested: 'b', handled: 'a' }), true);
    controller.seen(testObject('live'), false);
    clock.advance(250);
    assert.deepEqual(take(), [
      'live change 0',
      'failed resync 0',
      'edited change 0',
      'requested requested 0',
    ]);
  });

  test('without a scan time the first run is spread over the interval, without an interval there is none', () => {
    const { clock, controller, take } = setUp();
    controller.seen(testObject('a', { interval: '10m' }), true);
    controller.seen(testObject('b', { interval: '0s' }), true);
    controller.seen(testObject('c', { interval: 'often' }), true);
    controller.seen(testObject('d', { suspend: true }), true);
    assert.equal(controller.state().scheduled, 1);
    clock.advance(10 * 60_000 + 250);
    assert.deepEqual(take(), ['a timer 0']);
  });

  test('an object that is new runs at once; our own status writes do not make it run again', () => {
    const { controller, take, runs } = setUp();
    controller.seen(testObject('a', { observed: -1, ready: 'False' }), false);
    const taken = runs();
    controller.seen(testObject('a', { version: '2', ready: 'True' }), false);
    settle(controller, taken, { result: 'ok' });
    assert.deepEqual(take(), []);
  });

  test('an edit while it runs makes it run once more', () => {
    const { controller, take, runs } = setUp();
    controller.seen(testObject('a'), false);
    const taken = runs();
    controller.seen(testObject('a', { generation: 2 }), false);
    controller.seen(testObject('a', { generation: 3 }), false);
    assert.deepEqual(take(), []);
    settle(controller, taken, { result: 'ok', requeueAfterMs: 60_000 });
    assert.deepEqual(take(), ['a change 0']);
  });

  test('a deleted object is forgotten: queue, timers, failures', () => {
    const { clock, controller, runs, take } = setUp();
    controller.seen(testObject('a'), false);
    settle(controller, runs(), FAILED);
    controller.seen(testObject('a', { generation: 2 }), false);
    controller.gone(testObject('a'));
    clock.advance(3_600_000);
    assert.deepEqual(take(), []);
    assert.deepEqual(controller.state(), { objects: 0, waiting: 0, running: 0, scheduled: 0 });
    controller.seen(testObject('a'), false);
    assert.deepEqual(take(), ['a change 0']);
  });

  test('an object that comes back with another UID is a new one', () => {
    const { clock, controller, runs, take } = setUp();
    controller.seen(testObject('a'), false);
    settle(controller, runs(), FAILED);
    clock.advance(1000);
    const old = runs();
    assert.equal(old[0]?.request.attempt, 1);
    controller.seen(testObject('a', { uid: 'another' }), false);
    assert.deepEqual(take(), [], 'one key, one run');
    settle(controller, old, FAILED);
    const fresh = runs();
    assert.deepEqual([fresh[0]?.request.uid, fresh[0]?.request.attempt], ['another', 0]);
    settle(controller, fresh, { result: 'ok' });
    clock.advance(3_600_000);
    assert.deepEqual(take(), [], 'the failure of the old one left no retry');
  });

  test('a whole list tells what was deleted, in its namespace only', () => {
    const { controller } = setUp();
    controller.seen(testObject('a', { namespace: 'one' }), true);
    controller.seen(testObject('b', { namespace: 'one' }), true);
    controller.seen(testObject('c', { namespace: 'two' }), true);
    controller.keepOnly(new Set(['one/b']), 'one');
    assert.deepEqual(
      [controller.has('one/a'), controller.has('one/b'), controller.has('two/c')],
      [false, true, true],
    );
    controller.keepOnly(new Set(), '');
    assert.equal(controller.state().objects, 0);
  });

  test('a standby keeps records and acts when it leads', () => {
    const clock = createManualClock();
    const queue = createQueue(clock);
    const controller = createController({
      kind: KIND,
      queue,
      backOff: createBackOff(),
      dependencies: createDependencies(),
      jitterPercent: 0,
      baseUrl: '',
      metrics: createMetrics(clock).controller(KIND),
      clock,
      random: () => 0,
      log: silentLogger,
      onWork: () => assert.equal(queue.waiting > 0, true),
      onChanged: () => assert.fail('a standby wakes nobody'),
    });
    controller.seen(testObject('a', { generation: 2 }), true);
    controller.seen(testObject('b'), false);
    assert.deepEqual([controller.state().objects, queue.waiting], [2, 0]);
    controller.lead();
    clock.advance(250);
    assert.deepEqual(
      controller.take(25).map(({ request }) => request.name),
      ['a'],
    );
  });
});

describe('controller: from an outcome to the next run', () => {
  test('ok: after what the outcome asks; without a wait there is no timer', () => {
    const { clock, controller, runs, take } = setUp();
    controller.seen(testObject('a'), false);
    controller.seen(testObject('b'), false);
    const [a, b] = runs();
    settle(controller, [a!], { result: 'ok', requeueAfterMs: 60_000 });
    settle(controller, [b!], { result: 'ok' });
    clock.advance(59_999);
    assert.deepEqual(take(), []);
    clock.advance(251);
    assert.deepEqual(take(), ['a timer 0']);
  });

  test('jitter spreads the wait where it is set', () => {
    const { clock, controller, runs } = setUp(KIND, { jitterPercent: 10 });
    controller.seen(testObject('a'), false);
    settle(controller, runs(), { result: 'ok', requeueAfterMs: 60_000 });
    clock.advance(65_999);
    assert.equal(controller.state().waiting, 0);
    clock.advance(1);
    assert.equal(controller.state().waiting, 1);
  });

  test('retry: after 750 ms, then twice that, with the number of failures; success starts over', () => {
    const { clock, controller, runs, take } = setUp();
    controller.seen(testObject('a'), false);
    settle(controller, runs(), FAILED);
    clock.advance(749);
    assert.deepEqual([controller.state().waiting, controller.state().scheduled], [0, 1]);
    clock.advance(251);
    const second = runs();
    assert.equal(second[0]?.request.attempt, 1);
    settle(controller, second, FAILED);
    clock.advance(1499);
    assert.equal(controller.state().waiting, 0);
    clock.advance(251);
    const third = runs();
    assert.equal(third[0]?.request.attempt, 2);
    settle(controller, third, { result: 'ok', requeueAfterMs: 1000 });
    clock.advance(1250);
    assert.deepEqual(take(), ['a timer 0']);
  });

  test('retry with a delay of its own: that one, and it counts as a failure', () => {
    const { clock, controller, runs, take } = setUp();
    controller.seen(testObject('a'), false);
    settle(controller, runs(), { ...FAILED, retryAfterMs: 30_000 });
    clock.advance(29_999);
    assert.equal(controller.state().waiting, 0);
    clock.advance(251);
    assert.deepEqual(take(), ['a change 1']);
  });

  test('a request keeps its trigger until it has succeeded, whatever runs in between (IR-REPO-9)', () => {
    const { clock, controller, runs, take } = setUp();
    controller.seen(testObject('a'), true);
    controller.seen(testObject('a', { requested: 'now' }), false);
    settle(controller, runs(), FAILED);
    clock.advance(1000);
    const retry = runs();
    assert.equal(retry[0]?.request.trigger, 'requested');
    settle(controller, retry, FAILED);
    controller.seen(testObject('a', { requested: 'now', handled: 'now', generation: 2 }), false);
    const edited = runs();
    assert.equal(edited[0]?.request.trigger, 'requested');
    settle(controller, edited, { result: 'ok', requeueAfterMs: 1000 });
    clock.advance(1250);
    assert.deepEqual(take(), ['a timer 0']);
  });

  test('a change does not wait for the back-off, and its result replaces the timer (IR-REC-21)', () => {
    const { clock, controller, runs, take } = setUp();
    controller.seen(testObject('a'), false);
    settle(controller, runs(), { ...FAILED, retryAfterMs: 60_000 });
    controller.seen(testObject('a', { generation: 2 }), false);
    settle(controller, runs(), { result: 'ok' });
    clock.advance(120_000);
    assert.deepEqual(take(), []);
  });

  test('stalled: waits for a change, and the failures are forgotten', () => {
    const { clock, controller, runs, take } = setUp();
    controller.seen(testObject('a'), false);
    settle(controller, runs(), FAILED);
    clock.advance(1000);
    settle(controller, runs(), { result: 'stalled', reason: 'ImageURLInvalid', message: 'bad image' });
    clock.advance(3_600_000);
    assert.deepEqual(take(), []);
    controller.seen(testObject('a', { generation: 2 }), false);
    assert.deepEqual(take(), ['a change 0']);
  });

  test('deferred: at once, and it is no failure', () => {
    const { controller, runs, take } = setUp();
    controller.seen(testObject('a'), false);
    settle(controller, runs(), { result: 'deferred' });
    assert.deepEqual(take(), ['a change 0']);
  });

  test('undelivered: the same work again, and it is no failure', () => {
    const { clock, controller, runs, take } = setUp();
    controller.seen(testObject('a', { requested: 'now' }), false);
    const [first] = runs();
    controller.settle(first!, { result: 'undelivered', reason: 'R', message: 'm', retryAfterMs: 3000 });
    clock.advance(3250);
    assert.deepEqual(take(), ['a requested 0']);
  });

  test('every failed outcome is one line that names object, reason, attempt and the next run', () => {
    const { clock, controller, lines, runs } = setUp();
    controller.seen(testObject('a'), false);
    settle(controller, runs(), FAILED);
    assert.deepEqual(lines, [
      {
        msg: 'scan failed: 503',
        controllerGroup: 'image.toolkit.fluxcd.io',
        controllerKind: 'ImageRepository',
        controller: 'imagerepository',
        namespace: 'apps',
        name: 'a',
        error: 'ReadOperationFailed',
        trigger: 'change',
        attempt: 0,
        next: new Date(clock.now() + 750).toISOString(),
      },
    ]);
  });
});

describe('controller: what depends on what', () => {
  const READER: RelayKind = {
    ...KIND,
    group: 'test.dev',
    kind: 'Reader',
    controller: 'reader',
    dependsOn: (object: KubeObject) => [
      { group: 'test.dev', kind: 'Book', namespace: 'apps', name: (object.spec as { image: string }).image },
    ],
  };

  test('a target that appears, changes, has a new result or goes tells so; a request for a run does not', () => {
    const { controller, changed, runs } = setUp();
    const target = keyText({ ...KIND, namespace: 'apps', name: 'a' });
    controller.seen(testObject('a'), false);
    settle(controller, runs(), { result: 'ok', changed: 'sha256:1' });
    assert.deepEqual(changed.splice(0), [target, target]);
    controller.seen(testObject('a', { requested: 'x' }), false);
    settle(controller, runs(), { result: 'ok' });
    assert.deepEqual(changed.splice(0), []);
    controller.seen(testObject('a', { generation: 2 }), false);
    controller.gone(testObject('a'));
    assert.deepEqual(changed, [target, target]);
  });

  test('a dependent runs in the lane of timers with its own trigger; one that does not exist does not', () => {
    const { clock, controller, take } = setUp(READER);
    controller.seen(testObject('r'), true);
    controller.wake('apps/r', 'dependency');
    controller.wake('apps/nobody', 'dependency');
    clock.advance(250);
    assert.deepEqual(take(), ['r dependency 0']);
  });
});
