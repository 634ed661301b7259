import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LOCAL_ORGANIZATION as ORG } from '../../infra/local/quay/quay.ts';
import { CrashError, createCrash } from './crash.ts';
import { clientFor, startTestQuay } from './quay-world.ts';

const signal = new AbortController().signal;

test('the n-th call is done, its answer is lost, and nothing is asked any more', async (t) => {
  const quay = await startTestQuay(t);
  const { robots } = quay.state.organizations[ORG]!;
  for (let after = 1; after <= 3; after++) {
    const crash = createCrash(after);
    const client = crash.wrap(clientFor(quay));
    const run = async () => {
      for (const name of ['r1', 'r2', 'r3', 'r4']) await client.ensureRobot(`${name}.${after}`, signal);
    };
    await assert.rejects(run(), CrashError);
    await assert.rejects(client.getRobot('r1', signal), CrashError);
    assert.equal(Object.keys(robots).filter((name) => name.endsWith(`.${after}`)).length, after);
    assert.equal(crash.calls.length, after);
    assert.ok(crash.crashed);
  }
});

test('without a number nobody dies', async (t) => {
  const quay = await startTestQuay(t);
  const crash = createCrash(0);
  await crash.wrap(clientFor(quay)).ensureRobot('robot', signal);
  assert.deepEqual([crash.calls, crash.crashed], [['ensureRobot'], false]);
});
