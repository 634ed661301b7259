import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { KubeClient } from '../../shared/kube/client.ts';
import { KubeError } from '../../shared/kube/errors.ts';
import { createLogger } from '../../shared/runtime/logger.ts';
import { createManualClock } from '../../shared/runtime/manual-clock.ts';
import { createElection } from './election.ts';

interface Spec {
  holderIdentity?: string;
  leaseTransitions?: number;
  renewTime?: string;
}

/** One Lease in memory, guarded by resource versions as the API server does; `refuse` stands for what goes wrong. */
function leaseServer() {
  let stored: { metadata: { name: string; resourceVersion: string }; spec: Spec } | undefined;
  const server = {
    refuse: undefined as Error | undefined,
    /** The next write is done, and its answer lost on the way. */
    losesAnswer: false,
    spec: () => stored?.spec,
    remove() {
      stored = undefined;
    },
    kube(down = () => false) {
      const answer = () => {
        const error = down() ? new KubeError('the API server is away', { status: 0 }) : server.refuse;
        if (error) throw error;
      };
      return {
        async get() {
          answer();
          return structuredClone(stored);
        },
        async create(_resource, _ref, body) {
          answer();
          if (stored) throw new KubeError('there already', { status: 409, reason: 'AlreadyExists' });
          const { metadata, spec } = body as { metadata: { name: string }; spec: Spec };
          stored = { metadata: { ...metadata, resourceVersion: '1' }, spec };
          return structuredClone(stored);
        },
        async patch(_resource, ref, body) {
          answer();
          if (!stored) throw new KubeError(`${ref.name} not found`, { status: 404, reason: 'NotFound' });
          const { metadata, spec } = body as { metadata: { resourceVersion: string }; spec: Spec };
          if (metadata.resourceVersion !== stored.metadata.resourceVersion) {
            throw new KubeError('another version', { status: 409, reason: 'Conflict' });
          }
          stored.spec = { ...stored.spec, ...spec };
          stored.metadata.resourceVersion = String(Number(stored.metadata.resourceVersion) + 1);
          if (!server.losesAnswer) return structuredClone(stored);
          server.losesAnswer = false;
          throw new KubeError('the connection was reset', { status: 0 });
        },
      } as Partial<KubeClient> as KubeClient;
    },
  };
  return server;
}

const LEASE = { namespace: 'longshore-system', name: 'longshore-relay' };

function setUp() {
  const clock = createManualClock();
  const server = leaseServer();
  const news: string[] = [];
  const candidate = (identity: string) => {
    const stop = new AbortController();
    const log: string[] = [];
    const candidateState = { isDown: false, clockAheadMs: 0 };
    const election = createElection({
      kube: server.kube(() => candidateState.isDown),
      lease: LEASE,
      identity,
      clock: { now: () => clock.now() + candidateState.clockAheadMs, after: clock.after },
      uptime: clock.now,
      log: createLogger('info', (line) => log.push(line)),
      onLead: () => news.push(`${identity} leads ${election.epoch}`),
      onLost: () => news.push(`${identity} lost`),
    });
    const running = election.run(stop.signal);
    const end = async () => {
      stop.abort(new Error('stop'));
      await running;
    };
    return { election, log, end, state: candidateState };
  };
  /** Time in small steps, so that what is awaited in between has its turn. */
  const pass = async (ms: number) => {
    for (let passed = 0; passed <= ms; passed += 100) {
      for (let turns = 0; turns < 12; turns++) await Promise.resolve();
      if (passed < ms) clock.advance(Math.min(100, ms - passed));
    }
  };
  return { clock, server, news, candidate, pass };
}

describe('election', () => {
  test('the first takes the Lease and keeps it; the second stands by', async () => {
    const { server, news, candidate, pass } = setUp();
    const a = candidate('a');
    await pass(0);
    const b = candidate('b');
    await pass(120_000);
    assert.deepEqual(news, ['a leads 1']);
    assert.deepEqual([a.election.holds(), b.election.holds()], [true, false]);
    assert.match(server.spec()!.renewTime!, /^2026-01-01T00:0[12]:\d\d\.\d{6}Z$/);
    assert.equal(b.log.filter((line) => line.includes('standing by: a leads')).length, 1);
    await Promise.all([a.end(), b.end()]);
  });

  test('the leader dies: another one leads within 17 s, with a higher epoch', async () => {
    const { news, candidate, pass } = setUp();
    const a = candidate('a');
    await pass(0);
    const b = candidate('b');
    await pass(30_000);
    await a.end();
    await pass(14_000);
    assert.deepEqual(news, ['a leads 1'], 'not before the Lease has run out');
    await pass(2000);
    assert.deepEqual(news, ['a leads 1', 'b leads 2']);
    await b.end();
  });

  test('the leader gives the Lease back: another one leads within 3 s', async () => {
    const { server, news, candidate, pass } = setUp();
    const a = candidate('a');
    await pass(0);
    const b = candidate('b');
    await pass(10_000);
    await a.end();
    await a.election.release();
    assert.equal(server.spec()?.holderIdentity, '');
    assert.equal(a.election.holds(), false);
    await pass(1000);
    assert.deepEqual(news, ['a leads 1', 'b leads 2']);
    await b.end();
    await b.election.release();
  });

  test('a leader that cannot renew acts no more before another one begins, and may come back', async () => {
    const { news, candidate, pass, clock } = setUp();
    const a = candidate('a');
    await pass(0);
    const b = candidate('b');
    await pass(9900);
    a.state.isDown = true;
    const since = clock.now();
    while (a.election.holds()) await pass(100);
    assert.ok(clock.now() - since <= 10_000);
    await pass(1000);
    assert.deepEqual(news, ['a leads 1', 'a lost']);
    await pass(8000);
    assert.deepEqual(news, ['a leads 1', 'a lost', 'b leads 2']);
    assert.equal(a.log.filter((line) => line.includes('the API server is away')).length, 1, 'told once');
    a.state.isDown = false;
    await pass(2000);
    assert.ok(a.log.some((line) => line.includes('standing by: b leads')));
    await Promise.all([a.end(), b.end()]);
  });

  test('a clock that is set takes no Lease from a leader that lives, and keeps none for one that is cut off', async () => {
    const { news, candidate, pass } = setUp();
    const a = candidate('a');
    await pass(0);
    const b = candidate('b');
    await pass(5000);
    b.state.clockAheadMs = 3_600_000;
    await pass(30_000);
    assert.deepEqual(news, ['a leads 1']);
    a.state.clockAheadMs = -3_600_000;
    await pass(5000);
    assert.equal(a.election.holds(), true);
    a.state.isDown = true;
    await pass(11_000);
    assert.equal(a.election.holds(), false);
    await pass(6000);
    assert.deepEqual(news, ['a leads 1', 'a lost', 'b leads 2']);
    await Promise.all([a.end(), b.end()]);
  });

  test('with the API server away for all, the old leader goes on as soon as it is back', async () => {
    const { news, candidate, pass } = setUp();
    const a = candidate('a');
    await pass(1000);
    a.state.isDown = true;
    await pass(60_000);
    a.state.isDown = false;
    await pass(2000);
    assert.deepEqual(news, ['a leads 1', 'a lost', 'a leads 2']);
    await a.end();
  });

  test('two that want a free Lease at the same moment: one gets it', async () => {
    const { news, candidate, pass } = setUp();
    const both = [candidate('a'), candidate('b')];
    await pass(10_000);
    assert.equal(news.length, 1);
    assert.equal(both.filter(({ election }) => election.holds()).length, 1);
    for (const { end } of both) await end();
  });

  test('a Lease that was removed, or written by somebody else, ends the term; the epoch still grows', async () => {
    const { server, news, candidate, pass } = setUp();
    const a = candidate('a');
    await pass(1000);
    server.remove();
    await pass(5000);
    assert.deepEqual(news, ['a leads 1', 'a lost', 'a leads 2']);
    assert.equal(server.spec()?.leaseTransitions, 2);
    await a.end();
  });

  test('a renewal whose answer was lost ends no term', async () => {
    const { server, news, candidate, pass } = setUp();
    const a = candidate('a');
    await pass(1000);
    server.losesAnswer = true;
    await pass(30_000);
    assert.equal(server.losesAnswer, false);
    assert.deepEqual(news, ['a leads 1']);
    assert.equal(a.election.holds(), true);
    await a.end();
  });

  test('a suspended process does not take itself for the leader when it wakes up', async () => {
    const { candidate, pass, clock } = setUp();
    const a = candidate('a');
    await pass(1000);
    clock.advance(20_000);
    assert.equal(a.election.holds(), false);
    await a.end();
  });

  test('a namespace that is not there is said, and not asked for without a pause', async () => {
    const { server, news, candidate, pass } = setUp();
    server.refuse = new KubeError('create leases: namespaces "x" not found', {
      status: 404,
      reason: 'NotFound',
    });
    const a = candidate('a');
    await pass(10_000);
    assert.deepEqual(news, []);
    assert.equal(a.log.filter((line) => line.includes('not found')).length, 1);
    server.refuse = undefined;
    await pass(1000);
    assert.deepEqual(news, ['a leads 1']);
    await a.end();
  });

  test('a right that is missing is said, and nobody leads', async () => {
    const { server, news, candidate, pass } = setUp();
    const message = 'get leases longshore-system/longshore-relay: forbidden';
    server.refuse = new KubeError(message, { status: 403, reason: 'Forbidden' });
    const a = candidate('a');
    await pass(10_000);
    assert.deepEqual(news, []);
    assert.equal(a.log.filter((line) => line.includes(message)).length, 1);
    await a.end();
  });
});
