/** The election on API servers: that they take our Lease, and that the guard of its writes holds. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type KubeObject, LEASES } from '../../shared/kube/resource.ts';
import { systemClock } from '../../shared/runtime/clock.ts';
import { silentLogger } from '../../shared/runtime/logger.ts';
import { onEveryApiServer } from '../../test/parts/api-servers.ts';
import { createElection } from './election.ts';

interface LeaseSpec {
  holderIdentity: string;
  leaseDurationSeconds: number;
  leaseTransitions: number;
}

onEveryApiServer((api) => {
  /** Runs for the Lease; `led` resolves as soon as it leads. */
  function stand(namespace: string, identity: string) {
    const { promise: led, resolve } = Promise.withResolvers<void>();
    const stop = new AbortController();
    const election = createElection({
      kube: api.kube,
      lease: { namespace, name: 'longshore-relay' },
      identity,
      clock: systemClock,
      uptime: () => performance.now(),
      log: silentLogger,
      onLead: resolve,
      onLost() {},
    });
    const running = election.run(stop.signal);
    const end = async () => {
      stop.abort(new Error('stop'));
      await running;
      await election.release();
    };
    return { election, led, end };
  }

  async function leaseIn(namespace: string): Promise<LeaseSpec> {
    const lease = await api.kube.get<KubeObject<LeaseSpec>>(LEASES, { namespace, name: 'longshore-relay' });
    return lease!.spec;
  }

  test('the Lease is made, renewed, given back and taken by the next, which counts one up', async () => {
    const namespace = await api.createNamespace();
    const first = stand(namespace, 'first');
    await first.led;
    const { holderIdentity, leaseDurationSeconds, leaseTransitions } = await leaseIn(namespace);
    assert.deepEqual([holderIdentity, leaseDurationSeconds, leaseTransitions], ['first', 15, 1]);
    const second = stand(namespace, 'second');
    await first.end();
    const since = performance.now();
    await second.led;
    assert.ok(performance.now() - since < 3000, 'no leader for 3 s');
    assert.equal((await leaseIn(namespace)).leaseTransitions, 2);
    assert.deepEqual(
      [first.election.holds(), second.election.holds(), second.election.epoch],
      [false, true, 2],
    );
    await second.end();
    assert.equal((await leaseIn(namespace)).holderIdentity, '');
  });
});
