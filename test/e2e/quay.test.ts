/** Quay in the whole product: what wakes its objects, what a person sees of a request, what a restart does not repeat. */
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { LOCAL_TOKEN, LOCAL_ORGANIZATION as ORG, startQuay } from '../../infra/local/quay/quay.ts';
import { startRegistry } from '../../infra/local/registry/registry.ts';
import { COMPONENT, COMPONENT_ANNOTATION, type Component } from '../../shared/api/component.ts';
import {
  APPLICATION_LABEL,
  COMPONENT_LABEL,
  QUAY_IMAGE_REPOSITORY,
  type QuayImageRepository,
} from '../../shared/api/quay-image-repository.ts';
import { SECRETS } from '../../shared/kube/resource.ts';
import { QUAY_TOKEN_SECRET } from '../../shared/quay/token-secret.ts';
import { type Clock, systemClock } from '../../shared/runtime/clock.ts';
import { useApiServer } from '../parts/api-server.ts';
import { onEveryApiServer, startEmbedded } from '../parts/api-servers.ts';
import { ensureToken } from '../quay/quay-world.ts';
import { eventually, newest, openObjects, type Reconciled } from './objects.ts';
import { openStage, type StageApi } from './stage.ts';

type Repository = QuayImageRepository & Reconciled;

const COMPONENTS = newest(COMPONENT);
const LINKED = { labels: { [COMPONENT_LABEL]: 'my-component', [APPLICATION_LABEL]: 'my-app' } };

/** Timers of five seconds and more never ring: what happens, happens because something woke it. */
const IMPATIENT: Clock = {
  now: systemClock.now,
  after: (ms, callback) => (ms >= 5000 ? () => {} : systemClock.after(ms, callback)),
};

async function setUp(t: TestContext, api: StageApi) {
  const quay = await startQuay({ port: 0 });
  t.after(() => quay.close());
  const stage = await openStage(t, api);
  const { namespace } = stage;
  const args = [
    `--namespace=${namespace}`,
    `--quay-api-url=${quay.apiUrl}`,
    `--quay-org=${ORG}`,
    '--quay-requests-per-second=50',
  ];
  return {
    quay,
    stage,
    namespace,
    args,
    objects: openObjects<Repository>(api.kube, newest(QUAY_IMAGE_REPOSITORY), namespace),
    org: () => quay.state.organizations[ORG]!,
    async component(name: string, annotations: Record<string, string> = {}) {
      const body = {
        apiVersion: 'appstudio.redhat.com/v1alpha1',
        kind: COMPONENT.kind,
        metadata: { name, annotations },
        spec: { application: 'my-app', componentName: name },
      };
      return api.kube.create<Component>(COMPONENTS, { namespace }, body);
    },
  };
}

onEveryApiServer((api) => {
  test('a repository for a Component that comes later: seen at once, no timer needed', async (t) => {
    await ensureToken(api.kube);
    const { quay, stage, namespace, args, objects, org, component } = await setUp(t, api);
    await stage.serve({ args, clock: IMPATIENT });
    await objects.create('sample', {}, LINKED);
    const waiting = await objects.until('sample', 'waiting', ({ status }) => status?.message !== undefined);
    assert.equal(waiting.status?.message, "Component 'my-component' does not exist");
    assert.equal(quay.requests.count(), 0);
    await component('my-component');
    const { status } = await objects.ready('sample');
    assert.equal(status?.state, 'ready');
    assert.deepEqual(Object.keys(org().repositories), [`${namespace}/my-app/my-component`]);
    assert.equal(Object.keys(org().robots).length, 2);
  });

  test('requests by editing, then deletion: each seen in Quay and in the object, nothing left', async (t) => {
    await ensureToken(api.kube);
    const { stage, namespace, args, objects, org } = await setUp(t, api);
    await stage.serve({ args });
    await objects.create('sample', {});
    const made = await objects.ready('sample');
    const name = `${namespace}/sample`;
    const robot = made.status!.credentials!['push-robot-account']!;
    const { token } = org().robots[robot]!;

    await objects.edit('sample', { image: { visibility: 'private' } });
    await objects.until('sample', 'private', ({ status }) => status?.image?.visibility === 'private');
    assert.equal(org().repositories[name]?.isPublic, false);

    await objects.edit('sample', { credentials: { 'regenerate-token': true } });
    const rotated = await objects.until(
      'sample',
      'rotated',
      ({ spec, status }) =>
        spec?.credentials?.['regenerate-token'] === undefined &&
        status?.credentials?.generationTimestamp !== made.status?.credentials?.generationTimestamp,
    );
    assert.deepEqual(rotated.spec?.credentials, {});
    assert.notEqual(org().robots[robot]?.token, token);

    await objects.edit('sample', { image: { name: 'another' } });
    await objects.until('sample', 'named as before', ({ spec }) => spec?.image?.name === name);

    await objects.remove('sample');
    await objects.gone('sample');
    assert.deepEqual([org().repositories, org().robots], [{}, {}]);
  });

  test('both kinds called ImageRepository, under one name in one namespace', async (t) => {
    await ensureToken(api.kube);
    const { stage, args, objects, org } = await setUp(t, api);
    const registry = await startRegistry({ port: 0 });
    t.after(() => registry.close());
    await registry.push('team/app', ['1.0', '1.1']);
    const product = await stage.serve({ args });
    await stage.create('same', { image: `${registry.host}/team/app` });
    await objects.create('same', {});
    assert.equal((await stage.ready('same')).status?.lastScanResult?.tagCount, 2);
    assert.equal((await objects.ready('same')).status?.state, 'ready');
    await objects.remove('same');
    await objects.gone('same');
    await product.idle();
    assert.equal((await stage.ready('same')).status?.lastScanResult?.tagCount, 2);
    assert.deepEqual(org().repositories, {});
  });

  test('a Component that asks by its annotations, and goes', async (t) => {
    await ensureToken(api.kube);
    const { quay, stage, namespace, args, org, component } = await setUp(t, api);
    await stage.serve({ args });
    const ref = { namespace, name: 'billing' };
    const annotations = {
      [COMPONENT_ANNOTATION.generate]: '{"visibility": "public"}',
      [COMPONENT_ANNOTATION.deleteRepository]: 'true',
    };
    await component('billing', annotations);
    let found: Component | undefined;
    await eventually(
      async () => {
        found = await api.kube.get<Component>(COMPONENTS, ref);
        return found?.metadata.annotations?.[COMPONENT_ANNOTATION.generate] === undefined;
      },
      () => `not answered: ${JSON.stringify(found?.metadata)}`,
    );
    const image = `${quay.host}/${ORG}/${namespace}/my-app/billing`;
    assert.equal(
      found?.metadata.annotations?.[COMPONENT_ANNOTATION.image],
      JSON.stringify({ image, visibility: 'public', secret: 'billing' }),
    );
    await api.kube.delete(COMPONENTS, ref);
    await eventually(
      async () => (await api.kube.get(COMPONENTS, ref)) === undefined,
      () => 'the Component is still there',
    );
    assert.deepEqual([org().repositories, org().robots], [{}, {}]);
  });

  test('a restart asks Quay nothing and writes nothing about what is ready', async (t) => {
    await ensureToken(api.kube);
    const { quay, stage, args, objects, component } = await setUp(t, api);
    const first = await stage.serve({ args });
    await component('my-component');
    await objects.create('general', {});
    await objects.create('linked', {}, LINKED);
    const before = [await objects.ready('general'), await objects.ready('linked')];
    await first.idle();
    await first.stop();
    quay.requests.clear();
    const second = await stage.serve({ args });
    await second.idle();
    const after = [await objects.read('general'), await objects.read('linked')];
    assert.deepEqual(
      after.map(({ metadata }) => metadata.resourceVersion),
      before.map(({ metadata }) => metadata.resourceVersion),
    );
    assert.equal(quay.requests.count(), 0);
  });
});

describe('the token', () => {
  const api = useApiServer(startEmbedded);

  test('missing, wrong, right: the object follows the Secret at once, and never fails', async (t) => {
    const { stage, args, objects, org } = await setUp(t, api);
    await stage.serve({ args, clock: IMPATIENT });
    await objects.create('sample', {});
    const missing = await objects.failed('sample');
    assert.equal(missing.reason, 'RegistryConfiguration');
    assert.match(missing.message, /secret 'image-controller-system\/quaytoken' not found/);

    await ensureToken(api.kube);
    const write = (quaytoken: string) =>
      api.kube.patch(SECRETS, QUAY_TOKEN_SECRET, { stringData: { quaytoken } });
    await objects.ready('sample');
    await write('of-yesterday');
    await objects.edit('sample', { image: { visibility: 'private' } });
    const wrong = await objects.failed('sample');
    assert.equal(wrong.reason, 'RegistryConfiguration');
    assert.match(wrong.message, /the token was refused: it is unknown, expired or revoked/);
    assert.equal((await objects.read('sample')).status?.state, 'ready');

    await write(LOCAL_TOKEN);
    const { status } = await objects.ready('sample');
    assert.equal(status?.image?.visibility, 'private');
    assert.equal(Object.values(org().repositories)[0]?.isPublic, false);
  });
});
