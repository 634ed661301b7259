/** A registry that does not answer, or wants to be left alone, is the trouble of its own objects, and of nobody else. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { tooManyRequests } from '../../infra/local/registry/faults.ts';
import {
  type LocalRegistry,
  type RegistryOptions,
  startRegistry,
} from '../../infra/local/registry/registry.ts';
import { findCondition } from '../../shared/kube/conditions.ts';
import { type Clock, systemClock } from '../../shared/runtime/clock.ts';
import { onEveryApiServer } from '../parts/api-servers.ts';
import { eventually, LISTING, openStage } from './stage.ts';

/** More of them than of any pool: connections, starts, batches. */
const MANY = 100;

/** No request is given up: however slow the machine is, the dead registry is still waited for when the test looks. */
const PATIENT: Clock = {
  now: systemClock.now,
  after: (ms, callback) => (ms === 30_000 ? () => {} : systemClock.after(ms, callback)),
};

async function start(t: TestContext, options: Omit<RegistryOptions, 'port'> = {}): Promise<LocalRegistry> {
  const registry = await startRegistry({ port: 0, ...options });
  t.after(() => registry.close());
  await registry.push('team/app', '1.0');
  return registry;
}

onEveryApiServer((api) => {
  test('hundreds of objects on a dead registry and a busy one keep no other object waiting', async (t) => {
    const dead = await start(t, { faults: [{ path: LISTING, delayMs: Infinity }] });
    const busy = await start(t, { faults: [{ path: LISTING, ...tooManyRequests(600) }] });
    const good = await start(t);
    const stage = await openStage(t, api);
    const product = await stage.serve({ clock: PATIENT });
    for (let n = 0; n < MANY; n++) {
      await stage.create(`dead${n}`, { image: `${dead.host}/team/app` });
      await stage.create(`busy${n}`, { image: `${busy.host}/team/app` });
    }
    await stage.create('good', { image: `${good.host}/team/app` });
    await stage.ready('good');

    const readyOf = async (name: string) =>
      findCondition((await stage.read(name)).status?.conditions, 'Ready');
    for (let n = 0; n < MANY; n++) {
      assert.notEqual((await readyOf(`dead${n}`))?.status, 'False', 'nobody waited for the dead one to end');
    }
    for (let n = 0; n < MANY; n++) {
      const { reason, message } = await stage.failed(`busy${n}`);
      assert.equal(reason, 'ReadOperationFailed');
      assert.match(message, /status code 429.*; the registry asks to wait 10m0s$/);
    }
    assert.ok(busy.requests.count('GET', LISTING) <= 32, 'the busy one was left alone');

    // A scan that is asked for, while all of them still wait.
    await stage.request('good');
    await stage.ready('good');
    const { log } = product;
    await dead.close();
    await eventually(
      () => log.filter((line) => line.includes('scan failed') && line.includes(dead.host)).length >= MANY,
      () => 'runs on the dead registry do not end',
    );
  });
});
