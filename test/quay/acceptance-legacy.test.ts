/** Acceptance list of the specification (appendix C): the deprecated annotations of Components, C60 to C65. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createReconciler } from '../../functions/quay-component/reconcile.ts';
import { COMPONENT, COMPONENT_ANNOTATION } from '../../shared/api/component.ts';
import { KubeError } from '../../shared/kube/errors.ts';
import { REMOTE_SECRETS } from '../../shared/kube/remote-secret.ts';
import { embeddedWith } from '../parts/api-servers.ts';
import { startKubeApiServer } from '../parts/kube-api-server.ts';
import { REMOTE_SECRET_CRDS } from './remote-secrets.ts';
import { ORG, onBothServers, type QuaySuite } from './suite.ts';

const { generate, image, deleteRepository } = COMPONENT_ANNOTATION;
const PLAN_LIMIT = "Quay organization plan doesn't allow private image repositories";
const AVAILABLE = 'redhat_appstudio_imagecontroller_global_quay_app_available';
const HTML = '<html><head><title>error</title></head></html>';

const LEGACY = { names: COMPONENT, createReconciler };

onBothServers(
  'legacy annotations',
  (suite) => {
    const billing = (request?: string, others: Record<string, string> = {}) =>
      suite.component(
        'billing',
        { application: 'city-transit', componentName: 'billing' },
        { annotations: { ...(request !== undefined && { [generate]: request }), ...others } },
      );
    const ask = (request: string) => suite.bench.annotate('billing', { [generate]: request });
    const read = async () => (await suite.readComponent('billing'))!;
    const told = async () => (await read()).metadata.annotations?.[image];
    const name = () => `${suite.namespace}/city-transit/billing`;
    const robot = () => `${suite.namespace}city-transitbilling`;
    const run = async () => {
      const outcome = await suite.run('billing');
      assert.equal(outcome.result, 'ok', JSON.stringify(outcome));
    };

    for (const [request, visibility] of [
      ['{"visibility": "public"}', 'public'],
      ['{"visibility": "private"}', 'private'],
      ['true', 'public'],
    ] as const) {
      test(`C60 create with ${request}`, async () => {
        await suite.account('default');
        await billing(request);
        await run();
        assert.equal(suite.org().repositories[name()]?.isPublic, visibility === 'public');
        const { roles = {} } = suite.org().repositories[name()] ?? {};
        assert.deepEqual([roles[`${ORG}+${robot()}`], roles[`${ORG}+${robot()}-pull`]], ['write', 'read']);
        const url = suite.url('city-transit/billing');
        assert.equal((await suite.login('billing', url)).token, suite.org().robots[robot()]?.token);
        assert.equal(
          (await suite.login('billing-pull', url)).token,
          suite.org().robots[`${robot()}-pull`]?.token,
        );
        const { metadata, spec } = await read();
        assert.deepEqual(metadata.finalizers, [COMPONENT.finalizer]);
        assert.equal(spec?.containerImage, undefined);
        const owner = { apiVersion: 'appstudio.redhat.com/v1alpha1', kind: 'Component', name: 'billing' };
        const secret = (await suite.secret('billing'))!;
        assert.deepEqual(secret.metadata.ownerReferences, [{ ...owner, uid: metadata.uid }]);
        assert.equal(secret.metadata.labels, undefined);
        assert.deepEqual((await suite.links('default')).secrets, ['billing-pull']);
      });
    }

    test('C61 the exact annotation; the request is gone', async () => {
      await billing('{"visibility": "public"}');
      await run();
      const url = suite.url('city-transit/billing');
      assert.deepEqual((await read()).metadata.annotations, {
        [image]: `{"image":"${url}","visibility":"public","secret":"billing"}`,
      });
      suite.forget();
      await run();
      assert.deepEqual([suite.asked(), suite.bench.writes()], [[], []]);
    });

    test('C61 a Component that the founding document left with false', async () => {
      await billing('false');
      await run();
      assert.deepEqual((await read()).metadata.annotations, { [generate]: 'false' });
      assert.deepEqual(suite.asked(), []);
    });

    test('C62 the visibility is switched; the same one asks Quay nothing', async () => {
      await billing('true');
      await run();
      suite.forget();
      await ask('{"visibility":"private"}');
      await run();
      assert.equal(suite.org().repositories[name()]?.isPublic, false);
      assert.equal(JSON.parse((await told())!).visibility, 'private');
      assert.equal(suite.asked().length, 1);
      suite.forget();
      await ask('{"visibility":"private"}');
      await run();
      assert.deepEqual(suite.asked(), []);
      assert.equal((await read()).metadata.annotations?.[generate], undefined);
    });

    const MISTAKES: [request: string, stored: string | undefined, message: string][] = [
      ['yes', undefined, 'invalid JSON in image.redhat.com/generate annotation'],
      [
        '{"visibility":"x"}',
        undefined,
        'invalid value: x in visibility field in image.redhat.com/generate annotation',
      ],
      ['{}', undefined, 'invalid value:  in visibility field in image.redhat.com/generate annotation'],
      ['true', '{broken', 'Invalid image status annotation'],
    ];
    for (const [request, stored, message] of MISTAKES) {
      test(`C63 ${message}`, async () => {
        await billing(request, stored === undefined ? {} : { [image]: stored });
        await run();
        assert.deepEqual((await read()).metadata.annotations, { [image]: JSON.stringify({ message }) });
        assert.deepEqual(suite.asked(), []);
      });
    }

    test('C63 Invalid image url: also one of another namespace', async () => {
      await suite.component('other');
      for (const url of ['billing', 'quay.io/org', `${suite.quay.host}/${ORG}/other-ns/x`]) {
        const stored = JSON.stringify({ image: url, visibility: 'public', secret: 'x' });
        await suite.bench.annotate('other', { [image]: stored, [generate]: '{"visibility":"private"}' });
        assert.equal((await suite.run('other')).result, 'ok');
        const { annotations } = (await suite.readComponent('other'))!.metadata;
        assert.equal(JSON.parse(annotations![image]!).message, 'Invalid image url');
      }
      assert.deepEqual(suite.asked(), []);
    });

    test('C63 what Quay refuses: failed to generate image repository, nothing is left', async () => {
      suite.org().robotsDisabled = true;
      await billing('true');
      await run();
      assert.equal(await told(), '{"message":"failed to generate image repository"}');
      assert.deepEqual([suite.org().repositories, (await read()).metadata.finalizers], [{}, undefined]);
      // When the cause is gone, asking again helps.
      suite.org().robotsDisabled = false;
      await ask('true');
      await run();
      assert.equal(JSON.parse((await told())!).secret, 'billing');
    });

    test('C63 what passes is retried, and no annotation tells of it', async () => {
      suite.quay.faults.add({ status: 502, body: HTML });
      await billing('true');
      const outcome = await suite.run('billing');
      assert.equal('reason' in outcome && outcome.reason, 'RegistryUnavailable');
      assert.deepEqual(outcome.measures, [{ name: AVAILABLE, value: 0 }]);
      assert.deepEqual((await read()).metadata.annotations, { [generate]: 'true' });
      suite.quay.faults.clear();
      const done = await suite.run('billing');
      assert.deepEqual([done.result, done.measures], ['ok', [{ name: AVAILABLE, value: 1 }]]);
      assert.equal(JSON.parse((await told())!).visibility, 'public');
      await suite.token(undefined);
      await ask('{"visibility":"private"}');
      const refused = await suite.run('billing');
      assert.equal('reason' in refused && refused.reason, 'RegistryConfiguration');
      assert.equal('retryAfterMs' in refused && refused.retryAfterMs, 300_000);
      assert.deepEqual(refused.measures, [{ name: AVAILABLE, value: 0 }]);
    });

    test('what is not found on the way is not the Component: its request stays', async () => {
      await billing('true');
      suite.bench.hooks.api = ({ verb, on }) => {
        if (verb === 'create' && on === 'secrets') throw new KubeError('not found', { status: 404 });
      };
      assert.equal((await suite.run('billing')).result, 'retry');
      suite.bench.hooks.api = undefined;
      await run();
      assert.equal(JSON.parse((await told())!).secret, 'billing');
    });

    test('C64 the plan limit on create: only the message, no finalizer', async () => {
      suite.quay.setPrivateLimit(ORG, 0);
      await billing('{"visibility":"private"}');
      await run();
      assert.equal(await told(), JSON.stringify({ message: PLAN_LIMIT }));
      const { metadata } = await read();
      assert.deepEqual([metadata.finalizers, metadata.annotations?.[generate]], [undefined, undefined]);
      assert.deepEqual([suite.org().robots, suite.org().repositories], [{}, {}]);
    });

    test('C64 the plan limit on a change: the message beside what stays; a later success drops it', async () => {
      await billing('true');
      await run();
      suite.quay.setPrivateLimit(ORG, 0);
      await ask('{"visibility":"private"}');
      await run();
      const before = JSON.parse((await told())!);
      assert.deepEqual([before.visibility, before.message, before.secret], ['public', PLAN_LIMIT, 'billing']);
      suite.quay.setPrivateLimit(ORG, 1);
      await ask('{"visibility":"private"}');
      await run();
      const after = JSON.parse((await told())!);
      assert.deepEqual([after.visibility, after.message], ['private', undefined]);
    });

    test('C65 deletion without delete-image-repo: the repository stays, the robots go', async () => {
      await billing('true');
      await run();
      await deleted(suite);
      assert.deepEqual([Object.keys(suite.org().repositories), suite.org().robots], [[name()], {}]);
    });

    test('C65 deletion with delete-image-repo: nothing stays; with false: the repository does', async () => {
      await billing('true', { [deleteRepository]: 'true' });
      await run();
      await deleted(suite);
      assert.deepEqual([suite.org().repositories, suite.org().robots], [{}, {}]);
      await billing('true', { [deleteRepository]: 'false' });
      await run();
      await deleted(suite);
      assert.deepEqual(Object.keys(suite.org().repositories), [name()]);
    });

    test('C65 failures of Quay do not keep the Component', async () => {
      await billing('true', { [deleteRepository]: '' });
      await run();
      suite.quay.faults.add({ status: 502, body: HTML });
      await suite.bench.kube.delete(
        { ...suite.bench.resource },
        { namespace: suite.namespace, name: 'billing' },
      );
      assert.equal((await suite.run('billing')).result, 'retry');
      suite.bench.clock.move(11 * 60_000);
      assert.equal((await suite.run('billing')).result, 'gone');
      assert.equal(await suite.readComponent('billing'), undefined);
      assert.ok(suite.bench.log.some((line) => line.includes('"orphan"')));
    });

    test('a crash after any call: one repository, two robots; deleted in between, nothing is left', async () => {
      for (let crashAfter = 1; ; crashAfter++) {
        suite.quay.reset();
        await billing('true', { [deleteRepository]: 'true' });
        await suite.run('billing', { crashAfter });
        const died = suite.crashed;
        if (died && crashAfter % 2 === 0) await run();
        if (crashAfter % 2 === 0)
          assert.deepEqual(Object.keys(suite.org().robots).sort(), [robot(), `${robot()}-pull`]);
        await deleted(suite);
        assert.deepEqual(
          [suite.org().repositories, suite.org().robots],
          [{}, {}],
          `after ${crashAfter} calls`,
        );
        if (!died) break;
      }
    });

    test('a Component that comes back, or was the original controller’s, finds its robots', async () => {
      const whole = async () => {
        assert.equal(JSON.parse((await told())!).secret, 'billing');
        const { token } = await suite.login('billing', suite.url('city-transit/billing'));
        assert.equal(token, suite.org().robots[robot()]?.token);
      };
      await billing('true');
      await run();
      // Away without us, and here again under another uid.
      await suite.bench.edit('billing', { metadata: { finalizers: null } });
      await suite.bench.remove('billing');
      await billing('true');
      await run();
      await whole();
      // What the original made says nothing of a repository.
      for (const account of Object.values(suite.org().robots)) account.description = 'of the original';
      await suite.bench.annotate('billing', { [image]: null, [generate]: 'true' });
      await run();
      await whole();
      await deleted(suite);
      assert.deepEqual(suite.org().robots, {});
    });

    test('a request that fails later leaves the finalizer: what was made before goes with the Component', async () => {
      await billing('true');
      await run();
      await ask('garbage');
      await run();
      suite.quay.setPrivateLimit(ORG, 0);
      await ask('{"visibility":"private"}');
      await run();
      assert.equal(await told(), JSON.stringify({ message: PLAN_LIMIT }));
      await deleted(suite);
      assert.deepEqual(suite.org().robots, {});
    });

    test('a robot of the same name that another Component has is not handed out, and not deleted', async () => {
      await billing('true');
      await run();
      const { token } = suite.org().robots[robot()]!;
      await suite.component(
        'transitbilling',
        { application: 'city-' },
        { annotations: { [generate]: 'true' } },
      );
      assert.equal((await suite.run('transitbilling')).result, 'ok');
      const { annotations } = (await suite.readComponent('transitbilling'))!.metadata;
      assert.match(
        JSON.parse(annotations![image]!).message,
        /^failed to generate image repository: robot account \S+ exists already$/,
      );
      assert.equal(suite.org().robots[robot()]?.token, token);
      assert.equal(await suite.secret('transitbilling'), undefined);
    });
  },
  { kind: LEGACY },
);

onBothServers(
  'legacy annotations with --delete-without-registry',
  (suite) => {
    test('C65 the token is missing for a day: the Component goes', async () => {
      await suite.component('billing', {}, { annotations: { [generate]: 'true' } });
      assert.equal((await suite.run('billing')).result, 'ok');
      await suite.token(undefined);
      await suite.bench.remove('billing');
      suite.bench.clock.move(23 * 60 * 60_000);
      assert.equal((await suite.run('billing')).result, 'retry');
      suite.bench.clock.move(2 * 60 * 60_000);
      assert.equal((await suite.run('billing')).result, 'gone');
      assert.equal(await suite.readComponent('billing'), undefined);
      assert.ok(suite.bench.log.some((line) => line.includes(suite.url('billing'))));
    });
  },
  { kind: LEGACY, settings: { 'delete-without-registry': 'true' } },
);

onBothServers(
  'legacy annotations with RemoteSecrets',
  (suite) => {
    test('C60 the pull secret is a RemoteSecret', async () => {
      await suite.component(
        'billing',
        { application: 'city-transit' },
        { annotations: { [generate]: 'true' } },
      );
      assert.equal((await suite.run('billing')).result, 'ok');
      const ref = { namespace: suite.namespace, name: 'billing-pull' };
      const remote = await suite.bench.kube.get<{ metadata: { labels: object }; spec: object }>(
        REMOTE_SECRETS,
        ref,
      );
      assert.deepEqual(remote?.metadata.labels, {
        'appstudio.redhat.com/internal': 'true',
        'appstudio.redhat.com/application': 'city-transit',
        'appstudio.redhat.com/component': 'billing',
      });
      assert.ok(await suite.secret('upload-secret-billing-pull'));
      assert.equal(await suite.secret('billing-pull'), undefined);
    });
  },
  {
    kind: LEGACY,
    embedded: embeddedWith(REMOTE_SECRET_CRDS),
    real: () => startKubeApiServer(REMOTE_SECRET_CRDS),
  },
);

async function deleted(suite: QuaySuite): Promise<void> {
  await suite.bench.remove('billing');
  if (await suite.readComponent('billing')) assert.equal((await suite.run('billing')).result, 'gone');
  assert.equal(await suite.readComponent('billing'), undefined);
}
