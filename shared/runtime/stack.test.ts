import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeClient } from '../kube/client.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { Batch, BatchResult, type ClusterAccess, type Outcome } from './contract.ts';
import type { FunctionEnvironment } from './environment.ts';
import { RetryError, StalledError } from './errors.ts';
import { createLogger } from './logger.ts';
import { createManualClock } from './manual-clock.ts';
import { kindText, type Reconcile } from './reconciler.ts';
import { RELEASE } from './release.ts';
import { createHandler } from './stack.ts';

const GROUP = 'image.toolkit.fluxcd.io';
const NOW = 1_000_000;

function batchOf(names: string[], changes: Partial<Batch> = {}): Batch {
  return {
    contract: 1,
    release: RELEASE,
    cluster: 'test',
    access: { provider: 'token', server: 'https://127.0.0.1:1', token: 'canary-token' },
    epoch: 0,
    deadline: NOW + 60_000,
    requests: names.map((name) => ({
      group: GROUP,
      kind: 'ImageRepository',
      namespace: 'apps',
      name,
      uid: `uid-${name}`,
      trigger: 'change',
      attempt: 0,
    })),
    ...changes,
  };
}

function functionOf(reconcile: Reconcile, time = createManualClock(NOW)) {
  const lines: string[] = [];
  const seen: ClusterAccess[] = [];
  const environment: FunctionEnvironment = {
    connect(access) {
      seen.push(access);
      return {} as KubeClient;
    },
    store: {} as ObjectStore,
    clock: time,
    log: createLogger('debug', (line) => lines.push(line)),
    logFailures: true,
  };
  const reconcilers = new Map([[kindText({ group: GROUP, kind: 'ImageRepository' }), reconcile]]);
  return { handler: createHandler(reconcilers, environment), lines, seen, time };
}

function byName(outcomes: Outcome[], name: string): Outcome {
  return outcomes.find((outcome) => outcome.name === name)!;
}

test('every request gets its outcome, and the answer follows the contract', async () => {
  const { handler } = functionOf(async ({ request }) => ({
    result: 'ok',
    requeueAfterMs: 5000,
    changed: `of-${request.name}`,
  }));
  const answer = BatchResult.parse(await handler(batchOf(['a', 'b']), {}));
  assert.equal(answer.release, RELEASE);
  assert.deepEqual(byName(answer.outcomes, 'b'), {
    group: GROUP,
    kind: 'ImageRepository',
    namespace: 'apps',
    name: 'b',
    events: 0,
    durationMs: 0,
    result: 'ok',
    requeueAfterMs: 5000,
    changed: 'of-b',
  });
});

test('one key that fails stops no other', async () => {
  const { handler } = functionOf(async ({ request }) => {
    if (request.name === 'stalled') throw new StalledError('ImageURLInvalid', 'bad image');
    if (request.name === 'retry') throw new RetryError('Failure', 'later', { retryAfterMs: 30_000 });
    if (request.name === 'bug') throw new TypeError('undefined is not\n  a function');
    return { result: 'ok' };
  });
  const { outcomes } = await handler(batchOf(['stalled', 'retry', 'bug', 'fine']), {});
  const told = outcomes.map((outcome) => ({
    name: outcome.name,
    result: outcome.result,
    ...('reason' in outcome && { reason: outcome.reason, message: outcome.message }),
    ...('retryAfterMs' in outcome && { retryAfterMs: outcome.retryAfterMs }),
  }));
  assert.deepEqual(told, [
    { name: 'stalled', result: 'stalled', reason: 'ImageURLInvalid', message: 'bad image' },
    { name: 'retry', result: 'retry', reason: 'Failure', message: 'later', retryAfterMs: 30_000 },
    { name: 'bug', result: 'retry', reason: 'Failure', message: 'undefined is not a function' },
    { name: 'fine', result: 'ok' },
  ]);
});

test('group and kind decide, not the kind alone', async () => {
  const { handler } = functionOf(async () => ({ result: 'ok' }));
  const batch = batchOf(['a']);
  batch.requests[0]!.group = 'appstudio.redhat.com';
  const { outcomes } = await handler(batch, {});
  assert.equal(outcomes[0]!.result, 'retry');
  assert.match(
    (outcomes[0] as { message: string }).message,
    /does not serve appstudio\.redhat\.com\/ImageRepository/,
  );
});

test('the access token reaches the connection and nothing else', async () => {
  const { handler, lines, seen } = functionOf(async (run) => {
    assert.ok(!JSON.stringify(run).includes('canary'));
    throw new Error(`refused: Bearer canary-token`);
  });
  const answer = await handler(batchOf(['a']), {});
  assert.equal(seen[0]?.provider === 'token' && seen[0].token, 'canary-token');
  assert.ok(!JSON.stringify(answer).includes('canary'));
  assert.ok(lines.length > 0 && !lines.join('').includes('canary'));
});

test('a secret that a run has read is in no outcome and no line', async () => {
  const { handler, lines } = functionOf(async (run) => {
    run.secrets.add('canary-7f3a');
    run.log.info('read canary-7f3a');
    const message = 'login with canary-7f3a failed';
    return {
      result: 'retry',
      reason: 'Failure',
      message,
      ready: { status: 'False', reason: 'Failure', message },
    };
  });
  const answer = await handler(batchOf(['a']), {});
  assert.ok(!JSON.stringify(answer).includes('canary'));
  assert.equal(lines.length, 2);
  assert.ok(!lines.join('').includes('canary'));
});

test('the signal aborts at the deadline of the batch', async () => {
  const { handler, time } = functionOf(({ signal }) => {
    const failed = Promise.withResolvers<never>();
    signal.addEventListener('abort', () => failed.reject(signal.reason));
    return failed.promise;
  });
  const answer = handler(batchOf(['slow']), {});
  await Promise.resolve();
  setImmediate(() => time.advance(60_000));
  const { outcomes } = await answer;
  assert.equal(outcomes[0]!.result, 'retry');
  assert.match((outcomes[0] as { message: string }).message, /deadline/);
});

test('a run that ignores its signal is given up, and the others are answered', async () => {
  const { handler, time } = functionOf(({ request }) =>
    request.name === 'stuck' ? new Promise(() => {}) : Promise.resolve({ result: 'ok' }),
  );
  const answer = handler(batchOf(['stuck', 'fine']), {});
  setImmediate(() => {
    time.advance(60_000);
    setImmediate(() => time.advance(3000));
  });
  const { outcomes } = await answer;
  assert.equal(byName(outcomes, 'fine').result, 'ok');
  assert.match((byName(outcomes, 'stuck') as { message: string }).message, /given up/);
});

test('the end of the invocation bounds the deadline, and what cannot be done before it is deferred', async () => {
  let deadline = 0;
  const { handler } = functionOf(async (run) => {
    deadline = run.deadline;
    return { result: 'ok' };
  });
  await handler(batchOf(['a']), { getRemainingTimeInMillis: () => 30_000 });
  assert.equal(deadline, NOW + 28_000);
  const { outcomes } = await handler(batchOf(['a']), { getRemainingTimeInMillis: () => 10_000 });
  assert.equal(outcomes[0]!.result, 'deferred');
});

test('no timer is left behind', async () => {
  const { handler, time } = functionOf(async () => ({ result: 'ok' }));
  await handler(batchOf(['a']), {});
  assert.equal(time.pending, 0);
});

test('what is no batch of ours is refused with a message that names the field', async () => {
  const { handler } = functionOf(async () => ({ result: 'ok' }));
  await assert.rejects(handler({ ...batchOf(['a']), cluster: 'UPPER' }, {}), /contract 1.*cluster/s);
  await assert.rejects(handler({ ...batchOf(['a']), contract: 2 }, {}), /contract/);
  await assert.rejects(handler({ ...batchOf(['a']), release: '9.0.0' }, {}), /only one minor release apart/);
  await assert.rejects(handler(null, {}), /contract 1/);
});

test('members that we do not know yet are dropped', () => {
  const parsed = Batch.parse({ ...batchOf(['a']), novelty: true });
  assert.ok(!('novelty' in parsed));
});
