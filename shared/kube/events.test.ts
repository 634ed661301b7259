import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Answer, scriptedClient } from '../../test/parts/scripted-client.ts';
import type { Clock } from '../runtime/clock.ts';
import type { KubeClient } from './client.ts';
import { KubeError } from './errors.ts';
import { type EventRecord, eventName, recordEvent } from './events.ts';
import type { KubeObject } from './resource.ts';

const NEVER = new AbortController().signal;
const START = Date.parse('2026-01-05T10:00:00Z');

const OBJECT: KubeObject = {
  apiVersion: 'image.toolkit.fluxcd.io/v1',
  kind: 'ImageRepository',
  metadata: { namespace: 'apps', name: 'podinfo', uid: 'u1', resourceVersion: '9' },
  spec: {},
};

/** A clock that stands until it is set. */
function createClock(): Clock & { time: number } {
  const clock = { time: START, now: () => clock.time, after: () => () => {} };
  return clock;
}

function eventIn(kube: KubeClient, clock: Clock): EventRecord {
  return {
    kube,
    clock,
    object: OBJECT,
    type: 'Warning',
    reason: 'ReadOperationFailed',
    message: 'scan failed',
    component: 'image-reflector-controller',
    handedDown: { 'event.toolkit.fluxcd.io/team': 'a' },
  };
}

const stored = (count: number, resourceVersion: string, lastTimestamp = '2026-01-05T10:00:00Z') => ({
  metadata: { resourceVersion },
  count,
  lastTimestamp,
});
const fails =
  (status: number, reason: string): Answer =>
  () => {
    throw new KubeError(reason, { status, reason });
  };

test('something new: one POST with all that people filter for (decisions 6)', async () => {
  const { kube, calls } = scriptedClient(() => stored(1, '1'));
  const event = eventIn(kube, createClock());
  assert.equal(await recordEvent(event, NEVER), true);
  assert.equal(calls.length, 1);
  assert.deepEqual(calls[0]!.body, {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: {
      namespace: 'apps',
      name: eventName(event),
      annotations: { 'event.toolkit.fluxcd.io/team': 'a' },
    },
    involvedObject: {
      apiVersion: 'image.toolkit.fluxcd.io/v1',
      kind: 'ImageRepository',
      namespace: 'apps',
      name: 'podinfo',
      uid: 'u1',
      resourceVersion: '9',
    },
    type: 'Warning',
    reason: 'ReadOperationFailed',
    message: 'scan failed',
    source: { component: 'image-reflector-controller' },
    reportingComponent: 'longshore',
    reportingInstance: 'longshore',
    firstTimestamp: '2026-01-05T10:00:00Z',
    lastTimestamp: '2026-01-05T10:00:00Z',
    count: 1,
  });
});

describe('equal events (IR-EVT-2, decisions 7)', () => {
  test('within a minute are counted, and written with the next one after it', async () => {
    const { kube, calls } = scriptedClient(
      () => stored(1, '1'),
      () => stored(4, '2'),
    );
    const clock = createClock();
    const event = eventIn(kube, clock);
    const written: boolean[] = [];
    for (const seconds of [0, 20, 59, 60]) {
      clock.time = START + seconds * 1000;
      written.push(await recordEvent(event, NEVER));
    }
    assert.deepEqual(written, [true, false, false, true]);
    assert.equal(calls.length, 2);
    const body = { metadata: { resourceVersion: '1' }, count: 4, lastTimestamp: '2026-01-05T10:01:00Z' };
    assert.deepEqual(calls[1], { verb: 'patch', what: 'events', name: eventName(event), body });
  });

  test('of another process are found by their name', async () => {
    const clock = createClock();
    clock.time = START + 300_000;
    const { kube, calls } = scriptedClient(
      fails(409, 'AlreadyExists'),
      () => stored(7, '3'),
      () => stored(8, '4'),
    );
    assert.equal(await recordEvent(eventIn(kube, clock), NEVER), true);
    assert.deepEqual(
      calls.map(({ verb, body }) => (verb === 'patch' ? body : verb)),
      ['create', {}, { metadata: { resourceVersion: '3' }, count: 8, lastTimestamp: '2026-01-05T10:05:00Z' }],
    );
  });

  test('of another process within the minute are left for later', async () => {
    const clock = createClock();
    clock.time = START + 30_000;
    const { kube, calls } = scriptedClient(
      fails(409, 'AlreadyExists'),
      () => stored(7, '3'),
      () => stored(9, '4'),
    );
    const event = eventIn(kube, clock);
    assert.equal(await recordEvent(event, NEVER), false);
    clock.time = START + 60_000;
    assert.equal(await recordEvent(event, NEVER), true);
    assert.equal((calls[2]!.body as { count: number }).count, 9);
  });

  test('raised by another process at the same time: counted on top of its count', async () => {
    const clock = createClock();
    const { kube, calls } = scriptedClient(
      () => stored(1, '1'),
      fails(409, 'Conflict'),
      () => stored(5, '8'),
      () => stored(6, '9'),
    );
    const event = eventIn(kube, clock);
    await recordEvent(event, NEVER);
    clock.time += 60_000;
    assert.equal(await recordEvent(event, NEVER), true);
    assert.deepEqual(calls[3]!.body, {
      metadata: { resourceVersion: '8' },
      count: 6,
      lastTimestamp: '2026-01-05T10:01:00Z',
    });
  });

  test('that the server has dropped meanwhile begin anew', async () => {
    const clock = createClock();
    const { kube, calls } = scriptedClient(
      () => stored(1, '1'),
      fails(404, 'NotFound'),
      () => stored(1, '2'),
    );
    const event = eventIn(kube, clock);
    await recordEvent(event, NEVER);
    clock.time += 3_600_000;
    assert.equal(await recordEvent(event, NEVER), true);
    assert.equal(calls[2]!.verb, 'create');
  });
});

test('what the server refuses is thrown, and tried again the next time', async () => {
  const { kube, calls } = scriptedClient(fails(403, 'Forbidden'), () => stored(1, '1'));
  const event = eventIn(kube, createClock());
  await assert.rejects(recordEvent(event, NEVER), KubeError);
  assert.equal(await recordEvent(event, NEVER), true);
  assert.equal(calls.length, 2);
});

describe('the name of an event', () => {
  const event = eventIn(scriptedClient().kube, createClock());
  const others: [string, Partial<EventRecord>][] = [
    ['another uid', { object: { ...OBJECT, metadata: { ...OBJECT.metadata, uid: 'u2' } } }],
    ['another type', { type: 'Normal' }],
    ['another reason', { reason: 'Failure' }],
    ['another message', { message: 'scan failed again' }],
    ['other annotations of its own', { annotations: { digest: 'b' } }],
    ['words that move from reason to message', { reason: 'ReadOperationFaileds', message: 'can failed' }],
  ];
  for (const [what, change] of others) {
    test(`${what}: another name`, () =>
      assert.notEqual(eventName({ ...event, ...change }), eventName(event)));
  }

  test('does not depend on time, version and what the object hands down', () => {
    const later = { ...OBJECT, metadata: { ...OBJECT.metadata, resourceVersion: '99' } };
    assert.equal(eventName({ ...event, object: later, handedDown: {} }), eventName(event));
  });

  test('is a name that the server takes, however long the one of the object is', () => {
    const metadata = { ...OBJECT.metadata, name: `${'a'.repeat(235)}.${'b'.repeat(17)}` };
    const name = eventName({ ...event, object: { ...OBJECT, metadata } });
    assert.ok(name.length <= 253);
    assert.match(name, /^a{235}\.[0-9a-f]{16}$/);
  });
});
