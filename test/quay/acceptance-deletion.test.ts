/** Acceptance list of the specification (appendix C): deletion, C40 to C46. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { QUAY_ANNOTATION } from '../../shared/api/quay-image-repository.ts';
import { eventually } from '../e2e/objects.ts';
import { useApiServer } from '../parts/api-server.ts';
import { startEmbedded } from '../parts/api-servers.ts';
import { startGarbageCollector } from '../parts/garbage-collector.ts';
import { startKubeApiServer } from '../parts/kube-api-server.ts';
import { needs } from '../parts/parts.ts';
import { COMPONENTS, ORG, onBothServers, type QuaySuite, useQuaySuite } from './suite.ts';

onBothServers('deletion', (suite) => {
  async function provisioned(name = 'any', spec = {}) {
    await suite.create(name, spec);
    return await suite.settled(name);
  }

  test('C40 robots and repository are removed, links are removed, Secrets are collected', async () => {
    await suite.component('my-component');
    const accounts = ['appstudio-pipeline', 'build-pipeline-my-component'];
    for (const name of accounts) await suite.account(name, { secrets: ['a'], imagePullSecrets: ['b'] });
    await suite.create('any', {}, suite.linked());
    const { metadata } = await suite.settled('any');
    await suite.account('appstudio-pipeline', {
      secrets: ['a', 'any-image-push', 'any-image-push'],
      imagePullSecrets: ['any-image-push', 'b'],
    });
    // Collecting is the cluster's own work: by the owner.
    for (const role of ['push', 'pull']) {
      const { ownerReferences } = (await suite.secret(`any-image-${role}`))!.metadata;
      assert.equal(ownerReferences?.[0]?.uid, metadata.uid);
    }
    suite.forget();
    await deleted(suite, 'any');
    assertNothingLeft(suite);
    for (const name of accounts) {
      assert.deepEqual(await suite.links(name), { secrets: ['a'], imagePullSecrets: ['b'] });
    }
    assert.deepEqual(
      suite.asked().map((call) => call.split(' ')[0]),
      ['DELETE', 'DELETE', 'DELETE'],
    );
  });

  test('C41 of two objects with one repository, the last one takes it along', async () => {
    const one = await provisioned('one', { image: { name: 'shared' } });
    const two = await provisioned('two', { image: { name: 'shared' } });
    const robots = [one, two].map(({ status }) => status.credentials['push-robot-account']);
    assert.deepEqual(Object.keys(suite.org().robots).sort(), robots.toSorted());
    await deleted(suite, 'one');
    assert.deepEqual(Object.keys(suite.org().robots), [robots[1]]);
    assert.deepEqual(Object.keys(suite.org().repositories), [`${suite.namespace}/shared`]);
    await deleted(suite, 'two');
    assertNothingLeft(suite);
  });

  test('C41 two that are deleted together do not both leave it behind', async () => {
    for (const order of [
      ['one', 'two'],
      ['two', 'one'],
    ]) {
      for (const name of order) await provisioned(name, { image: { name: 'shared' } });
      for (const name of order) await suite.bench.remove(name);
      for (const name of order) assert.equal((await suite.run(name)).result, 'gone');
      assertNothingLeft(suite);
    }
  });

  test('C41 one that is gone but for the finalizer of others guards nothing', async () => {
    for (const name of ['one', 'two']) await provisioned(name, { image: { name: 'shared' } });
    const { metadata } = await suite.read('two');
    const finalizers = [...metadata.finalizers!, 'example.com/later'];
    await suite.bench.edit('two', { metadata: { finalizers } });
    await suite.bench.remove('two');
    assert.equal((await suite.run('two')).result, 'gone');
    assert.equal(Object.keys(suite.org().repositories).length, 1);
    await deleted(suite, 'one');
    assertNothingLeft(suite);
  });

  test('C41 one that failed guards nothing; one that is not provisioned yet does', async () => {
    await provisioned('one', { image: { name: 'shared' } });
    suite.quay.setPrivateLimit(ORG, 0);
    await suite.create('failed', { image: { name: 'shared', visibility: 'private' } });
    assert.equal((await suite.run('failed')).result, 'stalled');
    await suite.create('coming', { image: { name: `${suite.namespace}/shared` } });
    await deleted(suite, 'one');
    assert.deepEqual(Object.keys(suite.org().repositories), [`${suite.namespace}/shared`]);
    await suite.settled('coming');
    await deleted(suite, 'coming');
    assertNothingLeft(suite);
  });

  test('C42 the skip annotation keeps the repository, not the robots', async () => {
    await provisioned();
    await suite.bench.annotate('any', { [QUAY_ANNOTATION.skipRepositoryDeletion]: 'true' });
    await deleted(suite, 'any');
    assert.deepEqual(Object.keys(suite.org().repositories), [`${suite.namespace}/any`]);
    assert.deepEqual(suite.org().robots, {});
    // Any other text is none.
    await provisioned();
    await suite.bench.annotate('any', { [QUAY_ANNOTATION.skipRepositoryDeletion]: 'yes' });
    await deleted(suite, 'any');
    assertNothingLeft(suite);
  });

  test('C43 a wiped status: no robot is guessed, the repository goes', async () => {
    await provisioned();
    await suite.status('any', null);
    await deleted(suite, 'any');
    assert.deepEqual(suite.org().repositories, {});
    assert.equal(Object.keys(suite.org().robots).length, 1);
  });

  test('C44 a robot in the status that is not ours is left alone', async () => {
    await provisioned('other');
    const { status } = await provisioned();
    const [foreign] = Object.keys(suite.org().robots);
    await suite.status('any', { credentials: { ...status.credentials, 'push-robot-account': foreign } });
    await deleted(suite, 'any');
    assert.ok(suite.org().robots[foreign!]);
    assert.deepEqual(Object.keys(suite.org().repositories), [`${suite.namespace}/other`]);
  });

  test('a crash after any call of a deletion: the next run ends it', async () => {
    await suite.component('my-component');
    await suite.account('appstudio-pipeline');
    for (let crashAfter = 1; ; crashAfter++) {
      const name = `any-${crashAfter}`;
      await suite.create(name, { image: { name } }, suite.linked());
      await suite.settled(name);
      await suite.bench.remove(name);
      await suite.run(name, { crashAfter });
      if (!suite.crashed) break;
      assert.equal((await suite.run(name, { attempt: 1 })).result, 'gone');
      assert.equal(await suite.bench.read(name), undefined, `crashed after ${crashAfter} calls`);
      assertNothingLeft(suite);
      assert.deepEqual((await suite.links('appstudio-pipeline')).secrets, []);
    }
  });
});

describe('cascade: embedded control plane', () => {
  const suite = useQuaySuite(useApiServer(startEmbedded));
  test('C46 the deletion of a Component takes everything along', () => cascade(suite));
});

describe('cascade: kube-apiserver', needs('kube-apiserver', 'etcd', 'kube-controller-manager'), () => {
  // A server of its own: its collector looks at every object.
  const server = useApiServer(() => startKubeApiServer());
  const suite = useQuaySuite(server);
  test('C46 the deletion of a Component takes everything along', async () => {
    const collector = await startGarbageCollector(server.kubeconfig);
    try {
      await cascade(suite);
    } finally {
      await collector.stop();
    }
  });
});

async function cascade(suite: QuaySuite): Promise<void> {
  await suite.component('my-component');
  await suite.create('any', {}, suite.linked());
  await suite.settled('any');
  const ref = { namespace: suite.namespace, name: 'my-component' };
  await suite.bench.kube.delete(COMPONENTS, ref, { propagationPolicy: 'Background' });
  await eventually(
    async () => (await suite.read('any')).metadata.deletionTimestamp !== undefined,
    () => 'the object of the Component was not deleted',
  );
  assert.equal((await suite.run('any')).result, 'gone');
  assertNothingLeft(suite);
  await eventually(
    async () => (await suite.secret('any-image-push')) === undefined,
    () => 'the Secret of the object was not deleted',
  );
}

async function deleted(suite: QuaySuite, name: string): Promise<void> {
  await suite.bench.remove(name);
  assert.equal((await suite.run(name)).result, 'gone');
  assert.equal(await suite.bench.read(name), undefined);
}

function assertNothingLeft(suite: QuaySuite): void {
  assert.deepEqual(suite.org().repositories, {});
  assert.deepEqual(suite.org().robots, {});
}
