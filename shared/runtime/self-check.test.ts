import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeClient } from '../kube/client.ts';
import { KubeError } from '../kube/errors.ts';
import { type ObjectStore, StorageError } from '../storage/object-store.ts';
import { CheckResult, type Found } from './check-contract.ts';
import type { FunctionEnvironment } from './environment.ts';
import { silentLogger } from './logger.ts';
import { createManualClock } from './manual-clock.ts';
import { RELEASE } from './release.ts';
import type { StoreUse } from './self-check.ts';
import { createHandler } from './stack.ts';

const ACCESS = { provider: 'token', server: 'https://127.0.0.1:1', token: 'canary-token' } as const;
const CHECK = { contract: 1, release: RELEASE, check: true, cluster: 'blue' };
const WRITES: StoreUse = { folder: 'tags', writes: true };

/** A function whose parts do what the test says. */
function functionWith(parts: Partial<Pick<FunctionEnvironment, 'connect' | 'store'>>, use?: StoreUse) {
  const clock = createManualClock();
  const environment: FunctionEnvironment = {
    connect: () => ({ create: async () => ({ status: { userInfo: { username: 'robot' } } }) }) as never,
    store: {} as ObjectStore,
    clock,
    log: silentLogger,
    logFailures: true,
    ...parts,
  };
  const run = () => assert.fail('a check is no work');
  const handler = createHandler(new Map([['g.example/Thing', run]]), environment, use);
  const ask = async (more: object = {}) => CheckResult.parse(await handler({ ...CHECK, ...more }, {}));
  return { ask, handler, clock };
}

/** A store that keeps a journal of what it was asked. */
function storeWith(refusals: Partial<Record<'head' | 'put' | 'delete', Error>>) {
  const asked: string[] = [];
  const answer = (verb: 'head' | 'put' | 'delete') => async (key: string) => {
    asked.push(`${verb} ${key}`);
    if (refusals[verb]) throw refusals[verb];
  };
  const store = { head: answer('head'), put: answer('put'), delete: answer('delete') };
  return { asked, store: store as unknown as ObjectStore };
}

const only = ({ found }: CheckResult): Found => {
  assert.equal(found.length, 1);
  return found[0]!;
};

test('without anything to ask it tells its release and its kinds', async () => {
  assert.deepEqual(await functionWith({}).ask(), {
    contract: 1,
    release: RELEASE,
    kinds: ['g.example/Thing'],
    found: [],
  });
});

test('the cluster tells whom it takes the function for', async () => {
  const found = only(await functionWith({}).ask({ access: ACCESS }));
  assert.deepEqual(found, { about: 'cluster', ok: true, text: 'known as robot' });
});

test('a cluster that refuses: one line, without the token', async () => {
  const refuse = async () => {
    throw new KubeError('create selfsubjectreviews: Unauthorized, Bearer canary-token', { status: 401 });
  };
  const connect = () => ({ create: refuse }) as unknown as KubeClient;
  const found = only(await functionWith({ connect }).ask({ access: ACCESS }));
  assert.equal(found.ok, false);
  assert.match(found.text, /Unauthorized/);
  assert.doesNotMatch(found.text, /canary/);
});

test('a cluster that does not answer is waited for ten seconds', async () => {
  const connect = () =>
    ({
      create: (_: unknown, __: unknown, ___: unknown, signal: AbortSignal) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    }) as unknown as KubeClient;
  const { ask, clock } = functionWith({ connect });
  const answer = ask({ access: ACCESS });
  while (clock.pending === 0) await new Promise(setImmediate);
  clock.advance(10_000);
  assert.deepEqual(only(await answer), { about: 'cluster', ok: false, text: 'no answer within 10 s' });
  assert.equal(clock.pending, 0);
});

test('it reads, writes and deletes where its records are, and nowhere else', async () => {
  const { asked, store } = storeWith({});
  const found = only(await functionWith({ store }, WRITES).ask());
  assert.deepEqual(found, { about: 'store', ok: true, text: 'reads and writes blue/tags/' });
  const key = 'blue/tags/longshore-doctor/check';
  assert.deepEqual(asked, [`head ${key}`, `put ${key}`, `delete ${key}`]);
});

test('who only reads is not asked to write', async () => {
  const { asked, store } = storeWith({});
  await functionWith({ store }, { ...WRITES, writes: false }).ask();
  assert.deepEqual(asked, ['head blue/tags/longshore-doctor/check']);
});

for (const verb of ['head', 'put', 'delete'] as const) {
  test(`a store that refuses to ${verb} is told`, async () => {
    const { store } = storeWith({ [verb]: new StorageError(`cannot ${verb}: NoSuchBucket`) });
    const found = only(await functionWith({ store }, WRITES).ask());
    assert.deepEqual(found, { about: 'store', ok: false, text: `cannot ${verb}: NoSuchBucket` });
  });
}

test('a check of another contract is refused with a message that names the field', async () => {
  const { handler } = functionWith({});
  await assert.rejects(handler({ ...CHECK, contract: 2 }, {}), /check does not follow contract 1.*contract/s);
  await assert.rejects(handler({ ...CHECK, cluster: '' }, {}), /cluster/);
});
