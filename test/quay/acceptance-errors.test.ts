/** Acceptance list of the specification (appendix C): errors, C20 to C27. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QUAY_ANNOTATION } from '../../shared/api/quay-image-repository.ts';
import { SECRETS } from '../../shared/kube/resource.ts';
import { conditionsOf, ORG, onBothServers, PROVISIONED } from './suite.ts';

const AT_CREATION = 'Number of private repositories exceeds current quay plan limit';
const AT_CHANGE = 'Quay organization plan private repositories limit exceeded';
const HTML = '<html><head><title>error</title></head></html>';

onBothServers('errors', (suite) => {
  const token = () => ({
    organization: ORG,
    quaytoken: 'longshore-local-quay-token',
    quayapiurl: suite.quay.apiUrl,
  });

  test('C20 the plan limit at creation: failed, the exact message, no finalizer, no robots', async () => {
    suite.quay.setPrivateLimit(ORG, 0);
    await suite.create('any', { image: { visibility: 'private' } });
    const outcome = await suite.run('any');
    assert.equal(outcome.result, 'stalled');
    const object = await suite.read('any');
    const { conditions: _, observedGeneration, ...status } = object.status;
    assert.deepEqual(status, { state: 'failed', message: AT_CREATION, image: { url: suite.url('any') } });
    assert.equal(observedGeneration, object.metadata.generation);
    assert.deepEqual(conditionsOf(object), [
      'Stalled=True ProvisioningFailed',
      'Ready=False ProvisioningFailed',
    ]);
    assert.equal(object.metadata.finalizers, undefined);
    assert.deepEqual(object.spec, { image: { visibility: 'private' } });
    assert.deepEqual(suite.org().robots, {});
    assert.deepEqual(suite.asked(), ['POST /repository']);
    const [event] = await suite.bench.events('any');
    assert.deepEqual(
      [event?.type, event?.reason, event?.message],
      ['Warning', 'ProvisionFailed', AT_CREATION],
    );

    // Looking again asks nothing, and its deletion needs no Quay.
    suite.forget();
    await suite.run('any');
    await suite.bench.remove('any');
    assert.equal(await suite.bench.read('any'), undefined);
    assert.deepEqual(suite.asked(), []);
    assert.deepEqual(
      suite.bench.writes().map(({ on }) => on),
      [],
    );
  });

  test('C21 the plan limit at a change: reverted, the exact message, ready; the message stays', async () => {
    await suite.create('any');
    await suite.settled('any');
    suite.quay.setPrivateLimit(ORG, 0);
    await suite.bench.edit('any', { spec: { image: { visibility: 'private' } } });
    const { spec, status } = await suite.settled('any');
    assert.equal(spec?.image?.visibility, 'public');
    assert.deepEqual([status.state, status.message], ['ready', AT_CHANGE]);
    suite.forget();
    const again = await suite.settled('any');
    assert.equal(again.status.message, AT_CHANGE);
    assert.deepEqual(conditionsOf(again), ['Ready=True Provisioned']);
    assert.deepEqual(suite.asked(), []);
    assert.ok((await suite.bench.events('any')).some(({ reason }) => reason === 'PlanLimit'));
    // A larger plan: the next try succeeds and clears the message.
    suite.quay.setPrivateLimit(ORG, 1);
    await suite.bench.edit('any', { spec: { image: { visibility: 'private' } } });
    const { status: after } = await suite.settled('any');
    assert.deepEqual([after.image?.visibility, after.message], ['private', undefined]);
  });

  test('C22 502 twice, then 201: ready', async () => {
    suite.quay.faults.add({ method: 'POST', path: /\/repository$/, times: 2, status: 502, body: HTML });
    await suite.create('any');
    assert.equal((await suite.settled('any')).status.state, 'ready');
    assert.equal(suite.asked().filter((call) => call === 'POST /repository').length, 3);
  });

  test('C22 502 for longer: the next run makes it, and no state tells of it', async () => {
    const well = suite.quay.faults.add({ method: 'POST', path: /\/repository$/, status: 502, body: HTML });
    await suite.create('any');
    for (const attempt of [0, 1]) {
      const outcome = await suite.run('any', { attempt });
      assert.equal('reason' in outcome && outcome.reason, 'RegistryUnavailable');
      const object = await suite.read('any');
      assert.equal(object.status.state, undefined);
      assert.deepEqual(conditionsOf(object), ['Reconciling=True Provisioning', 'Ready=Unknown Provisioning']);
    }
    await suite.run('any', { attempt: 2 });
    const shown = await suite.read('any');
    assert.deepEqual(conditionsOf(shown), [
      'Reconciling=True ProgressingWithRetry',
      'Ready=False RegistryUnavailable',
    ]);
    assert.equal(shown.status.state, undefined);
    well();
    const object = await suite.settled('any', { attempt: 3 });
    assert.deepEqual([object.status.state, conditionsOf(object)], ['ready', ['Ready=True Provisioned']]);
  });

  test('C23 429: no failed state, and the wait that Quay asks for', async () => {
    suite.quay.faults.add({
      status: 429,
      body: HTML,
      headers: { 'content-type': 'text/html', 'retry-after': '30' },
    });
    await suite.create('any');
    const outcome = await suite.run('any');
    assert.equal(outcome.result, 'retry');
    assert.equal('retryAfterMs' in outcome && outcome.retryAfterMs, 30_000);
    assert.equal((await suite.read('any')).status.state, undefined);
    suite.quay.faults.clear();
    suite.bench.clock.move(30_000);
    assert.equal((await suite.settled('any', { attempt: 1 })).status.state, 'ready');
  });

  test('C24 400: failed, with what Quay says', async () => {
    const text = 'Repository name is on the list of names that are not allowed';
    const body = { detail: text, error_message: text, error_type: 'invalid_request', status: 400 };
    suite.quay.faults.add({ method: 'POST', path: /\/repository$/, status: 400, body });
    await suite.create('any');
    assert.equal((await suite.run('any')).result, 'stalled');
    const { metadata, status } = await suite.read('any');
    assert.deepEqual([status.state, status.message], ['failed', text]);
    assert.deepEqual([metadata.finalizers, status.credentials], [undefined, undefined]);
  });

  test('C24 a robot that Quay refuses: failed, and what was made is taken back', async () => {
    suite.org().robotsDisabled = true;
    await suite.create('any');
    assert.equal((await suite.run('any')).result, 'stalled');
    const { status } = await suite.read('any');
    assert.equal(status.state, 'failed');
    assert.match(status.message!, /^Robot accounts have been disabled/);
    assert.deepEqual([suite.org().repositories, suite.org().robots], [{}, {}]);
  });

  test('a robot or a right that Quay refuses in other words: looked at again, not failed', async () => {
    for (const path of [/\/robots\//, /\/permissions\//]) {
      await suite.create('any');
      const body = { message: 'Could not do it today' };
      const undo = suite.quay.faults.add({ method: 'PUT', path, status: 400, body });
      const outcome = await suite.run('any', { attempt: 2 });
      assert.equal('reason' in outcome && outcome.reason, 'RegistryRefused', JSON.stringify(outcome));
      const object = await suite.read('any');
      assert.equal(object.status.state, undefined);
      assert.ok(conditionsOf(object).includes('Ready=False RegistryRefused'));
      undo();
      assert.equal((await suite.settled('any', { attempt: 3 })).status.state, 'ready');
      await suite.bench.remove('any');
      assert.equal((await suite.run('any')).result, 'gone');
    }
  });

  test('an address below which nothing takes repositories is a matter of configuration', async () => {
    for (const status of [404, 405]) {
      const body = { error: 'no such route' };
      suite.quay.faults.add({ method: 'POST', path: /\/repository$/, status, body, times: 1 });
      await suite.create(`any-${status}`);
      const outcome = await suite.run(`any-${status}`);
      assert.equal('reason' in outcome && outcome.reason, 'RegistryConfiguration', JSON.stringify(outcome));
      assert.equal((await suite.settled(`any-${status}`)).status.state, 'ready');
    }
  });

  test('a creation that fails in the end takes back the robots of an attempt before it', async () => {
    await suite.create('any', { image: { visibility: 'private' } });
    const undo = suite.quay.faults.add({ method: 'PUT', path: /\/permissions\//, status: 502, body: HTML });
    assert.equal((await suite.run('any')).result, 'retry');
    undo();
    assert.equal(Object.keys(suite.org().robots).length, 1);
    suite.org().repositories = {};
    suite.quay.setPrivateLimit(ORG, 0);
    assert.equal((await suite.run('any', { attempt: 1 })).result, 'stalled');
    assert.equal((await suite.read('any')).status.message, AT_CREATION);
    assert.deepEqual(suite.org().robots, {});
  });

  test('C25 no token: nothing is touched; it recovers when the Secret is there', async () => {
    await suite.token(undefined);
    const created = await suite.create('any');
    const outcome = await suite.run('any');
    assert.equal(outcome.result, 'retry');
    assert.equal('retryAfterMs' in outcome && outcome.retryAfterMs, 300_000);
    const object = await suite.read('any');
    assert.deepEqual([object.metadata.finalizers, object.spec], [undefined, created.spec]);
    assert.deepEqual(Object.keys(object.status), ['conditions']);
    assert.deepEqual(conditionsOf(object), [
      'Reconciling=True ProgressingWithRetry',
      'Ready=False RegistryConfiguration',
    ]);
    await suite.token({ organization: ORG });
    assert.equal((await suite.run('any', { attempt: 1 })).result, 'retry');
    assert.deepEqual(suite.asked(), []);
    await suite.token(token());
    const after = await suite.settled('any', { attempt: 2 });
    assert.deepEqual([after.status.state, conditionsOf(after)], ['ready', ['Ready=True Provisioned']]);
  });

  for (const [what, change] of [
    ['a token that is unknown (401, 403 with a CSRF text)', { quaytoken: 'unknown' }],
    ['an organization that does not exist', { organization: 'nobody' }],
  ] as const) {
    test(`C25 ${what}: an operator has to repair it, nothing fails`, async () => {
      await suite.token({ ...token(), ...change });
      await suite.create('any');
      const outcome = await suite.run('any');
      assert.equal('reason' in outcome && outcome.reason, 'RegistryConfiguration', JSON.stringify(outcome));
      assert.equal('retryAfterMs' in outcome && outcome.retryAfterMs, 300_000);
      const object = await suite.read('any');
      assert.equal(object.status.state, undefined);
      assert.ok(conditionsOf(object).includes('Ready=False RegistryConfiguration'));
      await suite.token(token());
      const after = await suite.settled('any', { attempt: 1 });
      assert.deepEqual([after.status.state, after.status.image?.url], ['ready', suite.url('any')]);
    });
  }

  test('C26 the retry annotation leads out of failed, and is taken away', async () => {
    suite.quay.setPrivateLimit(ORG, 0);
    await suite.create('any', { image: { visibility: 'private' } });
    await suite.run('any');
    suite.quay.setPrivateLimit(ORG, 1);
    await suite.bench.annotate('any', { [QUAY_ANNOTATION.retry]: 'please' });
    const { metadata, status } = await suite.settled('any');
    assert.deepEqual([status.state, status.message], ['ready', undefined]);
    assert.deepEqual([metadata.annotations, metadata.finalizers], [undefined, [PROVISIONED]]);
  });

  test('C26 a crash after any call keeps the wish', async () => {
    for (let crashAfter = 1; ; crashAfter++) {
      const name = `any-${crashAfter}`;
      suite.quay.setPrivateLimit(ORG, 0);
      await suite.create(name, { image: { visibility: 'private' } });
      await suite.run(name);
      suite.quay.setPrivateLimit(ORG, 100);
      await suite.bench.annotate(name, { [QUAY_ANNOTATION.retry]: '' });
      await suite.run(name, { crashAfter });
      if (!suite.crashed) break;
      const { metadata, status } = await suite.settled(name, { attempt: 1 });
      assert.deepEqual(
        [status.state, metadata.annotations],
        ['ready', undefined],
        `after ${crashAfter} calls`,
      );
    }
  });

  test('a Secret of somebody else has our name: it is left alone, told, and looked at again', async () => {
    await suite.bench.secret('any-image-push', { mine: 'x' });
    await suite.create('any');
    const outcome = await suite.run('any');
    assert.equal('reason' in outcome && outcome.reason, 'SecretConflict');
    assert.equal('retryAfterMs' in outcome && outcome.retryAfterMs, 300_000);
    const object = await suite.read('any');
    assert.equal(object.status.message, 'Secret any-image-push exists and is not managed by this controller');
    assert.equal(object.status.state, undefined);
    assert.ok(conditionsOf(object).includes('Ready=False SecretConflict'));
    assert.deepEqual(Object.keys((await suite.secret('any-image-push'))?.data ?? {}), ['mine']);
    suite.forget();
    await suite.run('any', { attempt: 1 });
    assert.deepEqual(suite.bench.writes(), [], 'what stands is not written again');
    await suite.bench.kube.delete(SECRETS, { namespace: suite.namespace, name: 'any-image-push' });
    const { status } = await suite.settled('any', { attempt: 1 });
    assert.deepEqual([status.state, status.message], ['ready', undefined]);
  });

  test('C27 Quay is down during a deletion: the object goes', async () => {
    await suite.create('any');
    await suite.settled('any');
    await suite.bench.remove('any');
    suite.quay.faults.add({ status: 502, body: HTML });
    assert.equal((await suite.run('any')).result, 'retry');
    const { metadata } = await suite.read('any');
    assert.deepEqual(metadata.finalizers, [PROVISIONED], 'Quay has ten minutes to come back');
    suite.bench.clock.move(11 * 60_000);
    assert.equal((await suite.run('any', { attempt: 9 })).result, 'gone');
    assert.equal(await suite.bench.read('any'), undefined);
    assert.ok(suite.bench.log.some((line) => line.includes('"orphan"') && line.includes(suite.url('any'))));
    assert.ok((await suite.bench.events('any')).some(({ reason }) => reason === 'Orphaned'));
  });

  test('C27 the token is missing during a deletion: it waits, for ever unless told otherwise', async () => {
    await suite.create('any');
    await suite.settled('any');
    await suite.token(undefined);
    await suite.bench.remove('any');
    suite.bench.clock.move(25 * 60 * 60_000);
    const outcome = await suite.run('any');
    assert.equal('reason' in outcome && outcome.reason, 'RegistryConfiguration');
    await suite.token(token());
    assert.equal((await suite.run('any')).result, 'gone');
    assert.deepEqual([suite.org().repositories, suite.org().robots], [{}, {}]);
  });
});

onBothServers(
  'errors with --delete-without-registry',
  (suite) => {
    test('C27 the token is missing during a deletion for a day: the object goes', async () => {
      await suite.create('any');
      await suite.settled('any');
      await suite.token(undefined);
      await suite.bench.remove('any');
      suite.bench.clock.move(23 * 60 * 60_000);
      assert.equal((await suite.run('any')).result, 'retry');
      suite.bench.clock.move(2 * 60 * 60_000);
      assert.equal((await suite.run('any')).result, 'gone');
      assert.equal(await suite.bench.read('any'), undefined);
    });
  },
  { settings: { 'delete-without-registry': 'true' } },
);
