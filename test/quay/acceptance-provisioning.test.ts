/** Acceptance list of the specification (appendix C): provisioning, C01 to C15. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { REMOTE_SECRETS } from '../../shared/kube/remote-secret.ts';
import type { KubeObject } from '../../shared/kube/resource.ts';
import { embeddedWith } from '../parts/api-servers.ts';
import { startKubeApiServer } from '../parts/kube-api-server.ts';
import { deliverUploads, REMOTE_SECRET_CRDS } from './remote-secrets.ts';
import { conditionsOf, ORG, onBothServers, PROVISIONED, type QuaySuite } from './suite.ts';

/** Of an object that was provisioned as `x`: what there must be in Quay, and nothing else. */
function assertOneRepository(suite: QuaySuite, name: string, robots: (string | undefined)[]): void {
  assert.deepEqual(Object.keys(suite.org().repositories), [`${suite.namespace}/${name}`]);
  assert.deepEqual(Object.keys(suite.org().robots).sort(), robots.toSorted());
}

onBothServers('provisioning', (suite) => {
  test('C01 defaults: name, visibility, URL, state, secret, robot, timestamp', async () => {
    await suite.create('imagerepository-sample');
    const object = await suite.settled('imagerepository-sample');
    const { metadata, spec, status } = object;
    const name = `${suite.namespace}/imagerepository-sample`;
    const robot = status.credentials['push-robot-account']!;
    assert.deepEqual(spec, { image: { name, visibility: 'public' } });
    const { conditions: _, ...shown } = status;
    assert.deepEqual(shown, {
      state: 'ready',
      image: { url: `${suite.quay.host}/${ORG}/${name}`, visibility: 'public' },
      credentials: {
        generationTimestamp: new Date(suite.bench.clock.now()).toISOString().replace('.000', ''),
        'push-robot-account': robot,
        'push-secret': 'imagerepository-sample-image-push',
      },
      observedGeneration: metadata.generation,
    });
    const prefix = `${suite.namespace.replaceAll('-', '_')}_imagerepository_sample`;
    assert.match(robot, new RegExp(`^${prefix}_[0-9a-f]{10}$`));
    assert.deepEqual(metadata.finalizers, [PROVISIONED]);
    assert.deepEqual(metadata.annotations, undefined);
    assert.deepEqual(conditionsOf(object), ['Ready=True Provisioned']);
    assert.equal(suite.org().repositories[name]?.isPublic, true);
    assert.equal(suite.org().repositories[name]?.roles[`${ORG}+${robot}`], 'write');
    const url = suite.url('imagerepository-sample');
    assert.deepEqual(await suite.login('imagerepository-sample-image-push', url), {
      username: `${ORG}+${robot}`,
      token: suite.org().robots[robot]?.token,
    });
    const secret = (await suite.secret('imagerepository-sample-image-push'))!;
    assert.equal(secret.type, 'kubernetes.io/dockerconfigjson');
    assert.deepEqual(secret.metadata.labels, { 'appstudio.redhat.com/internal': 'true' });
    const { apiVersion, kind } = object;
    assert.deepEqual(secret.metadata.ownerReferences, [
      { apiVersion, kind, name: metadata.name, uid: metadata.uid },
    ]);
    assert.deepEqual(
      suite.asked().map((call) => call.split(' ')[0]),
      ['POST', 'PUT', 'PUT'],
    );
    assert.deepEqual(await suite.bench.events('imagerepository-sample'), [
      { type: 'Normal', reason: 'Provisioned', message: `image repository ${url} was provided`, count: 1 },
    ]);
  });

  test('C02 a custom name without the namespace', async () => {
    await suite.create('any', { image: { name: 'my-image' } });
    const { spec, status } = await suite.settled('any');
    assert.equal(spec?.image?.name, `${suite.namespace}/my-image`);
    assert.equal(status.image?.url, suite.url('my-image'));
  });

  test('C03 a custom name with the namespace', async () => {
    const name = `${suite.namespace}/some/my-image`;
    await suite.create('any', { image: { name } });
    const { spec, status } = await suite.settled('any');
    assert.equal(spec?.image?.name, name);
    assert.equal(status.image?.url, suite.url('some/my-image'));
    assertOneRepository(suite, 'some/my-image', [status.credentials['push-robot-account']]);
  });

  test('C04 an illegal name is refused by the API server', async () => {
    for (const name of ['wrong&name', 'Upper', '/lead', 'trail/', '-a', 'a//b', 'a/.b', '']) {
      await assert.rejects(
        suite.create('any', { image: { name } }),
        /spec\.image\.name: Invalid value/,
        name,
      );
    }
  });

  test('C05 a Component: image name, two robots, roles, two secrets, the exact owner', async () => {
    const component = await suite.component('my-component');
    await suite.account('appstudio-pipeline', { secrets: ['other'] });
    await suite.create('sample', {}, suite.linked());
    const { metadata, status } = await suite.settled('sample');
    const name = `${suite.namespace}/my-app/my-component`;
    const url = suite.url('my-app/my-component');
    const { 'push-robot-account': push = '', 'pull-robot-account': pull = '' } = status.credentials;
    const { roles = {} } = suite.org().repositories[name] ?? {};
    assert.deepEqual([roles[`${ORG}+${push}`], roles[`${ORG}+${pull}`]], ['write', 'read']);
    assert.match(pull, /_my_app_my_component_[0-9a-f]{10}_pull$/);
    assert.notEqual(push, pull.replace('_pull', ''));
    assert.equal(status.credentials['push-secret'], 'sample-image-push');
    assert.equal(status.credentials['pull-secret'], 'sample-image-pull');
    for (const [secret, robot] of [
      ['sample-image-push', push],
      ['sample-image-pull', pull],
    ] as const) {
      const token = suite.org().robots[robot]?.token;
      assert.deepEqual(await suite.login(secret, url), { username: `${ORG}+${robot}`, token });
    }
    assert.deepEqual(metadata.ownerReferences, [
      {
        apiVersion: 'appstudio.redhat.com/v1alpha1',
        kind: 'Component',
        name: 'my-component',
        uid: component.metadata.uid,
      },
    ]);
    // The pipeline gets the push secret, in `secrets` alone; what is there stays.
    assert.deepEqual(await suite.links('appstudio-pipeline'), {
      secrets: ['other', 'sample-image-push'],
      imagePullSecrets: [],
    });
  });

  test('C06 a general object has no owner and no pull fields', async () => {
    await suite.account('appstudio-pipeline');
    await suite.create('any', {}, { labels: { 'appstudio.redhat.com/component': 'my-component' } });
    const { metadata, status } = await suite.settled('any');
    assert.equal(metadata.ownerReferences, undefined);
    assert.deepEqual(Object.keys(status.credentials).sort(), [
      'generationTimestamp',
      'push-robot-account',
      'push-secret',
    ]);
    assert.equal(status.image?.url, suite.url('any'));
    // Nobody asked for its write credentials to go to the pipeline.
    assert.deepEqual((await suite.links('appstudio-pipeline')).secrets, []);
  });

  const existing = { description: 'old', roles: {}, notifications: [], tags: {}, manifests: [] };

  test('C07 a repository that exists is adopted', async () => {
    suite.org().repositories[`${suite.namespace}/any`] = { ...existing, isPublic: true };
    await suite.create('any');
    const { status } = await suite.settled('any');
    assert.equal(status.state, 'ready');
    assert.equal(suite.org().repositories[`${suite.namespace}/any`]?.description, 'old');
  });

  test('C08 an adopted one of another visibility is corrected', async () => {
    suite.org().repositories[`${suite.namespace}/any`] = { ...existing, isPublic: true };
    await suite.create('any', { image: { visibility: 'private' } });
    const { status } = await suite.settled('any');
    assert.equal(status.image?.visibility, 'private');
    assert.equal(suite.org().repositories[`${suite.namespace}/any`]?.isPublic, false);
  });

  test('C09 the token of a robot that exists is fetched', async () => {
    await suite.create('any');
    // A run that died after it had made the robot: its name is in the status.
    while (!(await suite.run('any', { crashAfter: 8 })).result) assert.fail();
    const [robot, { token }] = Object.entries(suite.org().robots)[0]!;
    const { status } = await suite.settled('any');
    assert.equal(status.credentials['push-robot-account'], robot);
    assert.equal((await suite.login('any-image-push', suite.url('any'))).token, token);
    assert.ok(suite.asked().some((call) => call === `GET /organization/${ORG}/robots/${robot}`));
  });

  test('C10 a crash after any call: one repository, two robots in the end', async () => {
    await suite.component('my-component');
    for (let crashAfter = 1; ; crashAfter++) {
      const name = `any-${crashAfter}`;
      suite.quay.reset();
      await suite.create(name, { image: { name } }, suite.linked());
      await suite.run(name, { crashAfter });
      if (!suite.crashed) break;
      const { status } = await suite.settled(name, { attempt: 1 });
      assert.equal(status.state, 'ready', `crashed after ${crashAfter} calls`);
      const { 'push-robot-account': push, 'pull-robot-account': pull } = status.credentials;
      assertOneRepository(suite, name, [push, pull]);
      assert.equal(
        (await suite.login(`${name}-image-pull`, suite.url(name))).token,
        suite.org().robots[pull!]?.token,
      );
    }
    assert.ok(suite.calls.length > 15, suite.calls.join());
  });

  test('C11 two runs at the same time: the same', async () => {
    await suite.component('my-component');
    await suite.create('any', {}, suite.linked());
    const runs = await Promise.all([suite.bench.run('any'), suite.bench.run('any'), suite.bench.run('any')]);
    assert.ok(
      runs.some(({ result }) => result === 'ok'),
      JSON.stringify(runs),
    );
    const { status } = await suite.settled('any', { attempt: 1 });
    const { 'push-robot-account': push, 'pull-robot-account': pull } = status.credentials;
    assertOneRepository(suite, 'my-app/my-component', [push, pull]);
  });

  test('C12 deleted while it is provisioned: nothing is left in Quay', async () => {
    await suite.component('my-component');
    for (let crashAfter = 1; ; crashAfter++) {
      const name = `any-${crashAfter}`;
      suite.quay.reset();
      await suite.create(name, { image: { name } }, suite.linked());
      await suite.run(name, { crashAfter });
      if (!suite.crashed) break;
      await suite.bench.remove(name);
      assert.equal((await suite.run(name, { attempt: 1 })).result, 'gone');
      assert.equal(await suite.bench.read(name), undefined, `crashed after ${crashAfter} calls`);
      assertNothingLeft(suite);
    }
  });

  test('C12 deleted while a run goes on: that very run leaves nothing', async () => {
    await suite.create('any');
    suite.bench.hooks.api = async ({ verb, on }) => {
      if (verb !== 'create' || on !== 'secrets') return;
      suite.bench.hooks.api = undefined;
      await suite.bench.remove('any');
    };
    assert.equal((await suite.run('any')).result, 'gone');
    assert.equal(await suite.bench.read('any'), undefined);
    assertNothingLeft(suite);
  });

  test('C13 doubled underscores, a dash at the end, 255 characters and more', async () => {
    for (const [index, name] of ['a__b', 'foo-', 'my_._image_/x_._-'].entries()) {
      await suite.create(`any-${index}`, { image: { name } });
      const { status } = await suite.settled(`any-${index}`);
      assert.equal(status.state, 'ready', name);
      assert.doesNotMatch(status.credentials['push-robot-account']!, /__/);
    }
    const longest = 'x'.repeat(255 - suite.namespace.length - 1);
    await suite.create('longest', { image: { name: longest } });
    assert.equal((await suite.settled('longest')).status.state, 'ready');

    suite.forget();
    await suite.create('longer', { image: { name: `${longest}x` } });
    assert.equal((await suite.run('longer')).result, 'stalled');
    const { metadata, spec, status } = await suite.read('longer');
    assert.equal(status.state, 'failed');
    assert.match(status.message!, /256 characters.*255/);
    assert.deepEqual([metadata.finalizers, spec], [undefined, { image: { name: `${longest}x` } }]);
    assert.deepEqual(suite.asked(), []);
  });

  test('C15 without the kind RemoteSecret its fields are left out', async () => {
    await suite.component('my-component');
    await suite.create('any', {}, suite.linked());
    const { status } = await suite.settled('any');
    assert.ok(!('push-remote-secret' in status.credentials));
    assert.ok(!('pull-remote-secret' in status.credentials));
    assert.ok(await suite.secret('any-image-pull'));
  });
});

onBothServers(
  'provisioning with RemoteSecrets',
  (suite) => {
    test('C14 objects, labels, targets, links, upload secret, status', async () => {
      await suite.component('my-component');
      await suite.account('appstudio-pipeline');
      await suite.account('default');
      await suite.create('sample', {}, suite.linked());
      const object = await suite.settled('sample');
      const { namespace } = suite;
      const { credentials } = object.status;
      const remote = async (name: string) =>
        (await suite.bench.kube.get<KubeObject<unknown>>(REMOTE_SECRETS, { namespace, name }))!;
      const { apiVersion, kind, metadata } = object;
      const owner = { apiVersion, kind, name: metadata.name, uid: metadata.uid };
      const internal = { 'appstudio.redhat.com/internal': 'true' };
      const specOf = (name: string, account: string) => ({
        secret: {
          name,
          type: 'kubernetes.io/dockerconfigjson',
          linkedTo: [{ serviceAccount: { reference: { name: account } } }],
        },
        targets: [{ namespace }],
      });
      const push = await remote('sample-image-push');
      assert.deepEqual(push.metadata.labels, internal);
      assert.deepEqual(push.metadata.ownerReferences, [owner]);
      assert.deepEqual(push.spec, specOf('sample-image-push', 'appstudio-pipeline'));
      const pull = await remote('sample-image-pull');
      assert.deepEqual(pull.metadata.labels, { ...internal, ...suite.linked().labels });
      assert.deepEqual(pull.spec, specOf('sample-image-pull', 'default'));
      for (const role of ['push', 'pull']) {
        assert.equal(credentials[`${role}-remote-secret`], `sample-image-${role}`);
        assert.equal(credentials[`${role}-secret`], `sample-image-${role}`);
      }
      const upload = (await suite.secret('upload-secret-sample-image-push'))!;
      assert.deepEqual(upload.metadata.labels, { 'appstudio.redhat.com/upload-secret': 'remotesecret' });
      assert.equal(
        upload.metadata.annotations?.['appstudio.redhat.com/remotesecret-name'],
        'sample-image-push',
      );
      assert.equal(await suite.secret('sample-image-push'), undefined, 'others write it');

      assert.deepEqual(await deliverUploads(suite.bench.kube, namespace), [
        'sample-image-pull',
        'sample-image-push',
      ]);
      const url = suite.url('my-app/my-component');
      const robot = credentials['push-robot-account']!;
      assert.equal((await suite.login('sample-image-push', url)).username, `${ORG}+${robot}`);
      assert.deepEqual((await suite.links('default')).secrets, ['sample-image-pull']);
    });

    test('C14 a general object: the push RemoteSecret links nobody', async () => {
      await suite.create('any');
      const { status } = await suite.settled('any');
      const ref = { namespace: suite.namespace, name: 'any-image-push' };
      const { spec } = (await suite.bench.kube.get<KubeObject<object>>(REMOTE_SECRETS, ref))!;
      assert.deepEqual(Object.keys((spec as { secret: object }).secret), ['name', 'type']);
      assert.ok(!('pull-remote-secret' in status.credentials));
    });

    test('C14 a crash after any call, then deletion: nothing is left but what others own', async () => {
      await suite.component('my-component');
      for (let crashAfter = 1; ; crashAfter++) {
        const name = `any-${crashAfter}`;
        await suite.create(name, { image: { name } }, suite.linked());
        await suite.run(name, { crashAfter });
        const died = suite.crashed;
        const { status } = await suite.settled(name, { attempt: 1 });
        assert.equal(status.credentials['pull-remote-secret'], `${name}-image-pull`);
        await suite.bench.remove(name);
        assert.equal((await suite.run(name)).result, 'gone');
        assertNothingLeft(suite);
        assert.equal(await suite.secret(`upload-secret-${name}-image-push`), undefined);
        if (!died) break;
      }
    });
  },
  {
    embedded: embeddedWith(REMOTE_SECRET_CRDS),
    real: () => startKubeApiServer(REMOTE_SECRET_CRDS),
  },
);

function assertNothingLeft(suite: QuaySuite): void {
  assert.deepEqual(suite.org().repositories, {});
  assert.deepEqual(suite.org().robots, {});
}
