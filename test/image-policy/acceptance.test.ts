/**
 * Acceptance of `ImagePolicy`: the points of appendix F that the decisions give to this kind, one test a point, on every
 * API server that there is. Points 1 to 3 are about the pure core: `shared/policy` has every row of the tables. Point 13
 * stands in `pictures.test.ts`, point 19 in `old-crds.test.ts`.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { revisionOf } from '../../functions/image-repository/tag-set.ts';
import type { ImageReference } from '../../shared/api/image-policy.ts';
import type { ImageRepositorySpec } from '../../shared/api/image-repository.ts';
import { NAMESPACES } from '../../shared/kube/resource.ts';
import { writeTagRecord } from '../../shared/storage/tag-record.ts';
import { CLUSTERS } from '../workbench/clusters.ts';
import { CLUSTER, createNamespace } from '../workbench/workbench.ts';
import { NEWEST, openBeside, useSuite } from './suite.ts';

const REQUESTED_AT = 'reconcile.fluxcd.io/requestedAt';

for (const cluster of CLUSTERS) {
  describe(`ImagePolicy on ${cluster.name}`, cluster.options, () => {
    const server = cluster.use();
    const suite = useSuite(server);

    /** What a scan would store, whatever a registry could hold. */
    async function store(tags: string[]): Promise<void> {
      const { namespace, store, clock, read, create } = suite.scans;
      const object = (await read('web')) ?? (await create('web', { image: suite.image() }));
      const sorted = tags.toSorted().reverse();
      await writeTagRecord(
        store,
        { cluster: CLUSTER, namespace, name: 'web' },
        {
          uid: object.metadata.uid,
          canonicalName: suite.image(),
          exclusionList: [],
          scanTime: clock.now(),
          revision: revisionOf(sorted),
          tags: sorted,
        },
      );
    }

    it('1. the tables decide what the status shows: one row of each', async () => {
      await store([
        'v1.0.0',
        '1.0.0',
        'main-a1b2c3-1700000001',
        'main-ffee00-1700000900',
        'dev-1-1800000000',
      ]);
      const filterTags = { pattern: '^main-[0-9a-f]+-(?P<ts>[0-9]+)$', extract: '$ts' };
      for (const [name, spec, tag] of [
        ['semver', { policy: { semver: { range: '*' } } }, 'v1.0.0'],
        ['numerical', { filterTags, policy: { numerical: {} } }, 'main-ffee00-1700000900'],
        ['descending', { filterTags, policy: { numerical: { order: 'desc' } } }, 'main-a1b2c3-1700000001'],
        ['alphabetical', { policy: { alphabetical: { order: 'asc' } } }, 'v1.0.0'],
        ['several', { policy: { alphabetical: {}, semver: { range: '<1' }, numerical: {} } }, undefined],
      ] as const) {
        const { status } = await suite.chosen(spec, name);
        assert.equal(status!.latestRef?.tag, tag, name);
      }
      const { ready } = await suite.run('several');
      assert.match(
        ready.message,
        /^unable to determine latest version from provided list \(5 tags stored\)$/,
      );
    });

    it('2. the order in which a registry lists its tags changes nothing', async () => {
      for (const tags of [
        ['1.0.0', 'v1.0.0', '0.9.0'],
        ['0.9.0', 'v1.0.0', '1.0.0'],
      ]) {
        await suite.registry.push('team/order', tags);
      }
      await suite.scanned({ image: suite.image('team/order') });
      assert.equal((await suite.chosen()).status!.latestRef!.tag, 'v1.0.0');
    });

    it('3. 50,000 tags take less than a second, by any rule, filtered or not', async () => {
      await store(Array.from({ length: 50_000 }, (_, n) => `1.${n % 250}.${Math.floor(n / 250)}-${n}`));
      const filterTags = { pattern: '-([0-9]+)$', extract: '$1' };
      for (const [name, spec, tag] of [
        ['semver', { policy: { semver: { range: '>=1.0.0-0' } } }, '1.249.199-49999'],
        ['text', { policy: { alphabetical: {} } }, '1.99.99-24849'],
        ['number', { filterTags, policy: { numerical: {} } }, '1.249.199-49999'],
      ] as const) {
        await suite.policies.create(name, { ...NEWEST, ...spec });
        const startedAt = process.cpuUsage();
        const { object } = await suite.run(name);
        const { user, system } = process.cpuUsage(startedAt);
        assert.equal(object.status!.latestRef!.tag, tag, name);
        assert.ok(user + system < 1_000_000, `${name} took ${(user + system) / 1000} ms`);
      }
    });

    describe('11. access lists', () => {
      const list = (...matchLabels: Record<string, string>[]): ImageRepositorySpec['accessFrom'] => ({
        namespaceSelectors: matchLabels.map((labels) => ({ matchLabels: labels })),
      });

      for (const [name, accessFrom, allowed] of [
        ['absent', undefined, 'missing'],
        ['env=prod', list({ env: 'prod' }), true],
        ['env=prod and team=a', list({ env: 'prod', team: 'a' }), 'mismatch'],
        ['team=a, or env=prod', list({ team: 'a' }, { env: 'prod' }), true],
        ['every namespace', list({}), true],
        ['none', list(), 'missing'],
      ] as const) {
        it(`${name}: ${allowed === true ? 'allowed' : 'refused'} to a namespace with env=prod`, async () => {
          await suite.scanned({ accessFrom });
          const prod = await createNamespace(server.kube, { env: 'prod' });
          const { namespace } = suite.scans;
          const policies = await openBeside(server.kube, suite.scans, { namespace: prod });
          await policies.create('newest', { ...NEWEST, imageRepositoryRef: { name: 'web', namespace } });
          await policies.run('newest');
          const { status } = (await policies.read('newest'))!;
          const ready = status!.conditions!.find(({ type }) => type === 'Ready')!;
          if (allowed === true) {
            assert.equal(status!.latestRef!.tag, '2.0.0');
            return;
          }
          assert.equal(ready.reason, 'AccessDenied');
          assert.match(ready.message, /^failed to get the referred ImageRepository: access denied: /);
          const parts = [
            `${namespace}/web`,
            'accessFrom',
            allowed,
            ...(allowed === 'mismatch' ? [prod] : []),
          ];
          for (const part of parts) assert.ok(ready.message.includes(part), `${part} in: ${ready.message}`);
        });
      }

      it('the name of the namespace is a label as well; the own namespace needs no list', async () => {
        const prod = await createNamespace(server.kube);
        // The cluster in memory does not set it by itself; real ones have it already.
        const labels = { 'kubernetes.io/metadata.name': prod };
        await server.kube.patch(NAMESPACES, { name: prod }, { metadata: { labels } });
        await suite.scanned({ accessFrom: list(labels) });
        const { namespace } = suite.scans;
        const policies = await openBeside(server.kube, suite.scans, { namespace: prod });
        await policies.create('newest', { ...NEWEST, imageRepositoryRef: { name: 'web', namespace } });
        assert.equal((await policies.run('newest')).result, 'ok');
        assert.equal((await suite.chosen()).status!.latestRef!.tag, '2.0.0');
        const own = await suite.chosen({ imageRepositoryRef: { name: 'web', namespace } }, 'own');
        assert.equal(own.status!.latestRef!.tag, '2.0.0');
      });

      it('refused is looked at again, and keeps the last choice; blocked is refused before anything is read', async () => {
        await suite.scanned({ accessFrom: list({ env: 'prod' }) });
        const prod = await createNamespace(server.kube, { env: 'prod' });
        const { namespace } = suite.scans;
        const policies = await openBeside(server.kube, suite.scans, { namespace: prod });
        await policies.create('newest', { ...NEWEST, imageRepositoryRef: { name: 'web', namespace } });
        await policies.run('newest');
        await server.kube.patch(NAMESPACES, { name: prod }, { metadata: { labels: { env: null } } });
        const refused = await policies.run('newest', { trigger: 'dependency' });
        assert.equal(refused.result, 'retry');
        assert.equal((await policies.read('newest'))!.status!.latestRef!.tag, '2.0.0');

        const settings = { 'no-cross-namespace-refs': 'true' };
        const blocked = await openBeside(server.kube, suite.scans, { namespace: prod, settings });
        const outcome = await blocked.run('newest');
        assert.equal(
          outcome.result === 'retry' && outcome.message,
          `failed to get the referred ImageRepository: cannot access 'ImageRepository/${namespace}/web', ` +
            'cross-namespace references have been blocked',
        );
        const asked = blocked.api.map(({ verb, on }) => `${verb} ${on}`);
        assert.ok(
          !asked.includes('get imagerepositories') && !asked.includes('get namespaces'),
          String(asked),
        );
      });
    });

    it('12. references and digests, with a tag that moves in the registry', async () => {
      const { policies, registry } = suite;
      const name = suite.image();
      const push = async (tag: string, content: string) =>
        (await registry.push('team/app', tag, { annotations: { content } })).digest;
      const rescan = async () => {
        suite.scans.clock.move(600_000);
        assert.equal((await suite.scans.run('web', { trigger: 'timer' })).result, 'ok');
        suite.forget();
      };
      const after = async (latest: ImageReference, previous: ImageReference | undefined, lookUps: number) => {
        const { object, outcome } = await suite.run();
        assert.equal(outcome.result, 'ok', JSON.stringify(outcome));
        assert.deepEqual(object.status!.latestRef, latest);
        assert.deepEqual(object.status!.observedPreviousRef, previous);
        assert.equal(object.status!.latestImage, `${latest.name}:${latest.tag}`);
        assert.equal(object.status!.observedPreviousImage, previous && `${previous.name}:${previous.tag}`);
        assert.equal(suite.lookUps(), lookUps);
        suite.forget();
        return outcome;
      };
      await suite.scanned();
      await policies.create('newest', NEWEST);
      await after({ name, tag: '2.0.0' }, undefined, 0);

      const aa = await push('2.2.0', 'aa');
      await rescan();
      await after({ name, tag: '2.2.0' }, { name, tag: '2.0.0' }, 0);

      await policies.edit('newest', { spec: { digestReflectionPolicy: 'IfNotPresent' } });
      await after({ name, tag: '2.2.0', digest: aa }, { name, tag: '2.2.0' }, 1);
      const bb = await push('2.2.0', 'bb');
      await after({ name, tag: '2.2.0', digest: aa }, { name, tag: '2.2.0' }, 0);

      await policies.edit('newest', { spec: { digestReflectionPolicy: 'Always', interval: '7m' } });
      const always = await after({ name, tag: '2.2.0', digest: bb }, { name, tag: '2.2.0', digest: aa }, 1);
      assert.equal(always.result === 'ok' && always.requeueAfterMs, 7 * 60_000);
      await after({ name, tag: '2.2.0', digest: bb }, { name, tag: '2.2.0', digest: aa }, 1);

      await policies.edit('newest', { spec: { digestReflectionPolicy: 'Never', interval: null } });
      const never = await after({ name, tag: '2.2.0' }, { name, tag: '2.2.0', digest: bb }, 0);
      assert.equal(never.result === 'ok' && never.requeueAfterMs, undefined);

      await registry.deleteTag('team/app', '2.2.0');
      await rescan();
      await after({ name, tag: '2.0.0' }, { name, tag: '2.2.0' }, 0);

      await policies.edit('newest', { spec: { policy: { semver: { range: '^9' } } } });
      const { outcome, object } = await suite.run();
      assert.equal(outcome.result, 'retry');
      assert.deepEqual(object.status!.latestRef, { name, tag: '2.0.0' });
      assert.deepEqual(object.status!.observedPreviousRef, { name, tag: '2.2.0' });

      await policies.edit('newest', { spec: { policy: NEWEST.policy } });
      const renamed = `${registry.host}/team/copy`;
      await registry.push('team/copy', ['2.0.0']);
      await suite.scans.edit('web', { spec: { image: renamed } });
      const waiting = await suite.run();
      assert.equal(waiting.ready.message, 'retrying in 30s error: no tags in database');
      await suite.scans.run('web');
      suite.forget();
      await after({ name: renamed, tag: '2.0.0' }, { name, tag: '2.0.0' }, 0);
    });

    it('14. suspend: nothing changes but the answer to a token; deletion goes on', async () => {
      await suite.scanned();
      const { status } = await suite.chosen();
      const { policies } = suite;
      await policies.edit('newest', { spec: { suspend: true, policy: { semver: { range: 'nonsense' } } } });
      policies.forget();
      assert.equal((await policies.run('newest')).result, 'ok');
      assert.deepEqual(policies.writes(), []);
      await policies.annotate('newest', { [REQUESTED_AT]: 'now' });
      await policies.run('newest', { trigger: 'requested' });
      assert.deepEqual((await policies.read('newest'))!.status, { ...status, lastHandledReconcileAt: 'now' });
      await policies.remove('newest');
      assert.equal((await policies.run('newest')).result, 'gone');
      assert.equal(await policies.read('newest'), undefined);
      assert.equal((await policies.events('newest')).length, 1, 'that of the first choice');
    });

    it('a policy of a suspended repository, and of one whose scans fail, goes on with the stored tags', async () => {
      await suite.scanned();
      await suite.scans.edit('web', { spec: { suspend: true } });
      assert.equal((await suite.chosen()).status!.latestRef!.tag, '2.0.0');
      suite.registry.faults.add({ status: 500 });
      await suite.scans.edit('web', { spec: { suspend: false } });
      suite.scans.clock.move(600_000);
      assert.equal((await suite.scans.run('web', { trigger: 'timer' })).result, 'retry');
      const { outcome } = await suite.run('newest', { trigger: 'dependency' });
      assert.equal(outcome.result, 'ok');
    });

    it('18. policies of the original keep what they have chosen, and are not written', async () => {
      await suite.scanned();
      const { policies } = suite;
      const object = await policies.create('newest', NEWEST, { finalizers: ['finalizers.fluxcd.io'] });
      const { generation } = object.metadata;
      const latestRef = { name: suite.image(), tag: '2.0.0' };
      const ready = {
        type: 'Ready',
        status: 'True',
        reason: 'Succeeded',
        message: `Latest image tag for ${suite.image()} resolved to 2.0.0`,
        lastTransitionTime: '2026-01-05T10:00:07Z',
        observedGeneration: generation,
      };
      const at = { namespace: policies.namespace, name: 'newest', subresource: 'status' };
      const status = { conditions: [ready], latestRef, observedGeneration: generation };
      await policies.kube.patch(policies.resource, at, { status });
      policies.forget();
      const { outcome } = await suite.run('newest', { trigger: 'resync' });
      assert.equal(outcome.result, 'ok');
      assert.deepEqual(policies.writes(), []);
      // An empty store, as after the move to our storage: the choice survives until the first scan.
      await suite.scans.store.delete(`${CLUSTER}/tags/${suite.scans.namespace}/web`);
      policies.forget();
      const start = await suite.run('newest', { trigger: 'resync' });
      assert.equal(start.outcome.result === 'ok' && start.outcome.awaits, true, 'the repository is to look');
      assert.deepEqual(policies.writes(), [], 'the choice stands, as far as anybody knows');
      const waiting = await suite.run('newest', { trigger: 'timer' });
      assert.equal(waiting.ready.reason, 'DependencyNotReady');
      assert.deepEqual(waiting.object.status!.latestRef, latestRef);
    });

    it('20. a check of many settled policies asks no registry and writes nothing', async () => {
      await suite.scanned();
      const names = Array.from({ length: Math.min(cluster.many, 200) }, (_, index) => `newest-${index}`);
      for (const [index, name] of names.entries()) {
        const always = { digestReflectionPolicy: 'Always', interval: '10m' } as const;
        await suite.chosen(index % 2 === 0 ? {} : always, name);
      }
      suite.forget();
      for (const name of names) {
        assert.equal((await suite.policies.run(name, { trigger: 'resync' })).result, 'ok');
      }
      assert.equal(suite.registry.requests.count(), 0);
      assert.deepEqual(suite.policies.writes(), []);
    });
  });
}
