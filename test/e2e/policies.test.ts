/** Policies in the whole product: what wakes them, what does not, and what a restart makes up for. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { startRegistry } from '../../infra/local/registry/registry.ts';
import { IMAGE_POLICY, type ImagePolicy, type ImagePolicySpec } from '../../shared/api/image-policy.ts';
import type { ImageRepositorySpec } from '../../shared/api/image-repository.ts';
import { NAMESPACES } from '../../shared/kube/resource.ts';
import { onEveryApiServer } from '../parts/api-servers.ts';
import { newest, openObjects } from './objects.ts';
import { openStage, type StageApi } from './stage.ts';

const FULL = { image: 'team/app', tags: ['1.0.0', '1.1.0'] };

/** Two namespaces, a registry, and a repository `web` in the first of them. */
async function setUp(t: TestContext, api: StageApi, spec: Partial<ImageRepositorySpec> = {}) {
  const registry = await startRegistry({ port: 0 });
  t.after(() => registry.close());
  await registry.push(FULL.image, FULL.tags);
  const stage = await openStage(t, api);
  const other = await api.createNamespace();
  const near = openObjects<ImagePolicy>(api.kube, newest(IMAGE_POLICY), stage.namespace);
  const far = openObjects<ImagePolicy>(api.kube, newest(IMAGE_POLICY), other);
  const args = [`--namespace=${stage.namespace},${other}`];
  const image = `${registry.host}/${FULL.image}`;
  await stage.create('web', { image, ...spec });
  const choose = (more: Partial<ImagePolicySpec> = {}): ImagePolicySpec => ({
    imageRepositoryRef: { name: 'web', namespace: stage.namespace },
    policy: { semver: { range: '*' } },
    interval: undefined,
    ...more,
  });
  const label = (labels: Record<string, string | null>) =>
    api.kube.patch(NAMESPACES, { name: other }, { metadata: { labels } });
  return { registry, stage, other, near, far, args, image, choose, label };
}

const has = (tag: string) => (object: ImagePolicy) => object.status?.latestRef?.tag === tag;
const everybody = { accessFrom: { namespaceSelectors: [{ matchLabels: {} }] } };

onEveryApiServer((api) => {
  test('a pushed tag shows in five policies of two namespaces after one scan; an unchanged scan wakes nobody', async (t) => {
    const { registry, stage, near, far, args, choose } = await setUp(t, api, everybody);
    const product = await stage.serve({ args });
    const policies = [
      ['newest', near, choose()],
      ['ones', near, choose({ policy: { semver: { range: '1.x' } } })],
      ['text', near, choose({ policy: { alphabetical: {} } })],
      ['far', far, choose()],
      [
        'number',
        far,
        choose({ filterTags: { pattern: '^1\\.([0-9]+)', extract: '$1' }, policy: { numerical: {} } }),
      ],
    ] as const;
    for (const [name, where, spec] of policies) await where.create(name, spec);
    for (const [name, where] of policies) assert.ok(has('1.1.0')(await where.ready(name)), name);

    await registry.push(FULL.image, '1.2.0');
    await stage.request('web');
    for (const [name, where] of policies) await where.until(name, 'at 1.2.0', has('1.2.0'));
    await product.idle();
    for (const [name, where] of policies) {
      const { status } = await where.ready(name);
      assert.equal(status!.observedPreviousRef!.tag, '1.1.0');
    }

    const before = await product.runs();
    await stage.request('web');
    await stage.ready('web');
    await product.idle();
    assert.equal((await product.runs()) - before, 1, 'the scan alone');
  });

  test('access is granted and withdrawn by the access list and by the labels of the namespace, at once', async (t) => {
    const { stage, other, far, args, choose, label } = await setUp(t, api);
    await stage.serve({ args });
    await far.create('newest', choose());
    await stage.ready('web');
    const isDenied = (why: string) => (object: ImagePolicy) => {
      const ready = object.status?.conditions?.find(({ type }) => type === 'Ready');
      return ready?.reason === 'AccessDenied' && ready.message.includes(why);
    };
    await far.until('newest', 'refused without a list', isDenied('missing'));
    await stage.edit('web', { accessFrom: { namespaceSelectors: [{ matchLabels: { team: 'a' } }] } });
    await far.until('newest', 'refused for its labels', isDenied(`namespace '${other}'`));
    await label({ team: 'a' });
    assert.ok(has('1.1.0')(await far.ready('newest')));
    await label({ team: 'b' });
    const refused = await far.until('newest', 'refused for its new labels', isDenied('mismatch'));
    assert.equal(refused.status!.latestRef!.tag, '1.1.0');
    await label({ team: 'a', unrelated: 'x' });
    await far.ready('newest');
  });

  test('the repository comes, goes, and comes back', async (t) => {
    const { stage, near, args, choose, image } = await setUp(t, api);
    await stage.remove('web');
    await near.create('newest', choose());
    await stage.serve({ args });
    await stage.gone('web');
    assert.equal((await near.failed('newest')).reason, 'DependencyNotReady');
    await stage.create('web', { image });
    await near.ready('newest');
    await stage.remove('web');
    await stage.gone('web');
    await near.until(
      'newest',
      'told of it',
      ({ status }) => !!status?.conditions?.some(({ message }) => message.includes('does not exist')),
    );
    await stage.create('web', { image: 'http://nonsense' });
    await near.until(
      'newest',
      'stalled',
      ({ status }) =>
        !!status?.conditions?.some(({ type, reason }) => type === 'Stalled' && reason === 'ImageURLInvalid'),
    );
    await stage.edit('web', { image });
    assert.ok(has('1.1.0')(await near.ready('newest')));
  });

  test('a restart writes nothing and asks no registry, but makes up for a wake-up that was lost', async (t) => {
    const { registry, stage, near, args, choose } = await setUp(t, api);
    const first = await stage.serve({ args });
    const always = { digestReflectionPolicy: 'Always', interval: '1h' } as const;
    await near.create('rests', choose());
    await near.create('always', choose(always));
    await near.create('missed', choose());
    for (const name of ['rests', 'always', 'missed']) await near.ready(name);
    await first.idle();
    await first.stop();

    // As if the relay had died between the scan and its policies.
    const at = { namespace: stage.namespace, name: 'missed', subresource: 'status' };
    const latestRef = { name: 'x', tag: '0.9.0' };
    await api.kube.patch(newest(IMAGE_POLICY), at, { status: { latestRef } });
    const versions = async () =>
      Promise.all(['rests', 'always'].map(async (name) => (await near.read(name)).metadata.resourceVersion));
    const before = await versions();
    registry.requests.clear();
    const second = await stage.serve({ args });
    await near.until('missed', 'at 1.1.0', has('1.1.0'));
    await second.idle();
    assert.deepEqual(await versions(), before);
    assert.equal(registry.requests.count(), 0);
    assert.match(
      await second.metrics(),
      /^imagereflect_policy_evaluations_total\{result="success"\} 3$/m,
      'each was looked at once',
    );
  });

  test('a store that was lost: the choice stands while the repository is scanned again', async (t) => {
    const { registry, stage, near, args, choose } = await setUp(t, api);
    const first = await stage.serve({ args });
    await near.create('newest', choose());
    const { metadata } = await near.ready('newest');
    await first.idle();
    await first.stop();
    registry.requests.clear();
    const store = path.join(stage.store, '../empty');
    const second = await stage.serve({ args, store });
    while ((await stage.records(store)).length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await second.idle();
    assert.equal((await near.ready('newest')).metadata.resourceVersion, metadata.resourceVersion);
    assert.equal(registry.requests.count('GET', /tags\/list/), 1);
  });
});
