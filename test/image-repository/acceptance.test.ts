/**
 * Acceptance of `ImageRepository`: the points of appendix F that the decisions give to this kind, one test a point, on
 * every API server that there is. What concerns registries (points 6 to 10) stands in `acceptance-registry.test.ts`.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { revisionOf } from '../../functions/image-repository/tag-set.ts';
import { writeTagRecord } from '../../shared/storage/tag-record.ts';
import { CLUSTERS } from '../workbench/clusters.ts';
import { LISTING, REQUESTED_AT, useSuite } from './suite.ts';
import { openWorkbench } from './workbench.ts';

const MINUTE = 60_000;

for (const cluster of CLUSTERS) {
  describe(`ImageRepository on ${cluster.name}`, cluster.options, () => {
    const server = cluster.use();
    const suite = useSuite(server);
    const { image, scanned, listings } = suite;

    it('4. revisions are those of the table', async () => {
      const object = await scanned();
      assert.deepEqual(object.status!.lastScanResult, {
        tagCount: 3,
        latestTags: ['v0.0.2', 'v0.0.1', 'latest'],
        revision: 'sha256:6c47cd0061dcca36c1e3f6412637a393dffa2664955aed4b10671aff73555070',
        scanTime: new Date(suite.bench.clock.now()).toISOString().replace('.000Z', 'Z'),
      });
      await suite.bench.create('empty', { image: image(), exclusionList: ['.'] });
      await suite.bench.run('empty');
      assert.deepEqual((await suite.bench.read('empty'))!.status!.lastScanResult, {
        tagCount: 0,
        revision: 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
        scanTime: new Date(suite.bench.clock.now()).toISOString().replace('.000Z', 'Z'),
      });
    });

    describe('5. a scan is due as the table says', () => {
      /** What happens after the first scan, how much later the next run starts, and what that does. */
      const rows: {
        name: string;
        laterMs: number;
        change?: () => Promise<unknown>;
        scans: boolean;
        waitMs?: number;
      }[] = [
        { name: '3m later', laterMs: 3 * MINUTE, scans: false, waitMs: 7 * MINUTE },
        { name: '9m59.4s later', laterMs: 599_400, scans: true, waitMs: 10 * MINUTE },
        { name: '9m58.5s later', laterMs: 598_500, scans: false, waitMs: 1500 },
        {
          name: 'a new token',
          laterMs: 3 * MINUTE,
          change: () => suite.bench.annotate('web', { [REQUESTED_AT]: 'b' }),
          scans: true,
          waitMs: 10 * MINUTE,
        },
        {
          name: 'another image',
          laterMs: 3 * MINUTE,
          change: () => suite.bench.edit('web', { spec: { image: image('team/other') } }),
          scans: true,
        },
        {
          name: 'record missing',
          laterMs: 3 * MINUTE,
          change: () => suite.bench.store.delete(`test/tags/${suite.bench.namespace}/web`),
          scans: true,
        },
        {
          name: 'list emptied: the default stays in effect',
          laterMs: 3 * MINUTE,
          change: () => suite.bench.edit('web', { spec: { exclusionList: [] } }),
          scans: false,
          waitMs: 7 * MINUTE,
        },
        {
          name: 'list longer',
          laterMs: 3 * MINUTE,
          change: () => suite.bench.edit('web', { spec: { exclusionList: ['^x$', '^y$'] } }),
          scans: true,
        },
        {
          name: 'only the interval edited (IR-REPO-4)',
          laterMs: 3 * MINUTE,
          change: () => suite.bench.edit('web', { spec: { interval: '5m' } }),
          scans: false,
          waitMs: 2 * MINUTE,
        },
        {
          name: 'interval 0s: every run scans, no timer (IR-REPO-5)',
          laterMs: 3 * MINUTE,
          change: () => suite.bench.edit('web', { spec: { interval: '0s', timeout: '30s' } }),
          scans: true,
        },
      ];
      for (const row of rows) {
        it(row.name, async () => {
          await scanned();
          suite.bench.clock.move(row.laterMs);
          await row.change?.();
          const outcome = await suite.bench.run('web');
          assert.equal(outcome.result, 'ok', JSON.stringify(outcome));
          assert.equal(listings(), row.scans ? 1 : 0);
          if (row.waitMs) assert.equal(outcome.result === 'ok' && outcome.requeueAfterMs, row.waitMs);
          if (row.name.startsWith('interval 0s')) {
            assert.equal(outcome.result === 'ok' && outcome.requeueAfterMs, undefined);
          }
          const { scanTime } = (await suite.bench.read('web'))!.status!.lastScanResult!;
          const stored = Math.floor((suite.bench.clock.now() - (row.scans ? 0 : row.laterMs)) / 1000) * 1000;
          assert.equal(Date.parse(scanTime!), stored);
          assert.equal((await suite.ready()).reason, 'Succeeded');
        });
      }

      it('a token that was handled, or is removed, asks for nothing', async () => {
        await suite.bench.create('web', { image: image() }, { annotations: { [REQUESTED_AT]: 'a' } });
        await suite.bench.run('web');
        assert.equal((await suite.bench.read('web'))!.status!.lastHandledReconcileAt, 'a');
        await suite.bench.run('web', { trigger: 'requested' });
        await suite.bench.annotate('web', { [REQUESTED_AT]: null });
        await suite.bench.run('web', { trigger: 'requested' });
        assert.equal(listings(), 1);
      });

      it('another list in another order is the same list', async () => {
        await scanned({ exclusionList: ['^a$', '^b$'] });
        await suite.bench.edit('web', { spec: { exclusionList: ['^b$', '^a$'] } });
        await suite.bench.run('web');
        assert.equal(listings(), 0);
      });
    });

    it('14. suspend: nothing changes but the answer to a token; un-suspended, it scans only if due', async () => {
      const { status } = await scanned();
      await suite.bench.edit('web', { spec: { suspend: true, image: 'https://nonsense' } });
      suite.bench.clock.move(30 * MINUTE);
      assert.deepEqual(pick(await suite.bench.run('web'), 'result', 'requeueAfterMs'), { result: 'ok' });
      assert.deepEqual(suite.bench.writes(), []);
      await suite.bench.annotate('web', { [REQUESTED_AT]: 'now' });
      await suite.bench.run('web', { trigger: 'requested' });
      assert.deepEqual((await suite.bench.read('web'))!.status, { ...status, lastHandledReconcileAt: 'now' });
      assert.equal(suite.registry.requests.count(), 0);
      assert.deepEqual(suite.bench.stored, []);

      suite.bench.clock.move(-29 * MINUTE);
      await suite.bench.edit('web', { spec: { suspend: false, image: image() } });
      await suite.bench.run('web');
      assert.equal(listings(), 0);
      suite.bench.clock.move(10 * MINUTE);
      await suite.bench.run('web', { trigger: 'timer' });
      assert.equal(listings(), 1);
      assert.equal((await suite.ready()).status, 'True');
    });

    it('14. a suspended object that is new gets its finalizer and is left alone, and can be deleted', async () => {
      await suite.bench.create('web', { image: image(), suspend: true });
      await suite.bench.run('web');
      const object = (await suite.bench.read('web'))!;
      assert.deepEqual(object.metadata.finalizers, ['finalizers.fluxcd.io']);
      assert.deepEqual(object.status, { observedGeneration: -1 });
      await suite.bench.remove('web');
      assert.equal((await suite.bench.run('web')).result, 'gone');
      assert.equal(await suite.bench.read('web'), undefined);
    });

    it('16. a token on a failing object is answered at once, and the next attempt scans again', async () => {
      const { status } = await scanned();
      suite.registry.faults.add({ path: LISTING, status: 403 });
      await suite.bench.annotate('web', { [REQUESTED_AT]: 't9' });
      const failed = await suite.bench.run('web', { trigger: 'requested' });
      assert.equal(failed.result, 'retry');
      const object = (await suite.bench.read('web'))!;
      assert.equal(object.status!.lastHandledReconcileAt, 't9');
      assert.deepEqual(object.status!.lastScanResult, status!.lastScanResult);
      assert.equal((await suite.ready()).reason, 'ReadOperationFailed');

      suite.registry.faults.clear();
      suite.registry.requests.clear();
      const repeated = await suite.bench.run('web', { trigger: 'requested', attempt: 1 });
      assert.equal(repeated.result, 'ok');
      assert.equal(listings(), 1);
      assert.equal((await suite.ready()).status, 'True');
    });

    it('17. two objects with one image have two records; deleting one leaves the other', async () => {
      const first = await scanned();
      const neighbour = await openWorkbench({ kube: server.kube, store: suite.bench.store });
      await neighbour.create('web', { image: image(), exclusionList: ['^v'] });
      await neighbour.run('web');
      const second = (await neighbour.read('web'))!;
      assert.deepEqual((await suite.bench.record('web', first.metadata.uid))?.tags, [
        'v0.0.2',
        'v0.0.1',
        'latest',
      ]);
      assert.deepEqual((await neighbour.record('web', second.metadata.uid))?.tags, ['latest']);
      await suite.bench.remove('web');
      await suite.bench.run('web');
      assert.equal(await suite.bench.record('web', first.metadata.uid), undefined);
      assert.deepEqual((await neighbour.record('web', second.metadata.uid))?.tags, ['latest']);
      await neighbour.close();
    });

    describe('18. objects of the original are taken over without a failure', () => {
      /** Status as the original writes it, three minutes after its scan. */
      async function takeOver(name: string, revision: string) {
        const object = await suite.bench.create(
          'web',
          { image: name },
          { finalizers: ['finalizers.fluxcd.io'] },
        );
        const { generation } = object.metadata;
        const scanTime = `${new Date(suite.bench.clock.now() - 3 * MINUTE).toISOString().slice(0, 19)}Z`;
        const ready = {
          type: 'Ready',
          status: 'True',
          reason: 'Succeeded',
          message: `successful scan: found 3 tags with checksum ${revision}`,
          lastTransitionTime: scanTime,
          observedGeneration: generation,
        };
        const status = {
          canonicalImageName: name.replace(/^alpine$/, 'index.docker.io/library/alpine'),
          conditions: [ready],
          lastScanResult: { tagCount: 3, scanTime, revision, latestTags: ['v0.0.2', 'v0.0.1', 'latest'] },
          observedExclusionList: ['^.*\\.sig$'],
          observedGeneration: generation,
        };
        const at = { namespace: suite.bench.namespace, name: 'web', subresource: 'status' };
        await suite.bench.kube.patch(suite.bench.resource, at, { status });
        return object;
      }
      const tags = ['v0.0.2', 'v0.0.1', 'latest'];

      it('Adler-32 revision, empty store: one scan, and no other', async () => {
        await takeOver(image(), '1593509681');
        const outcome = await suite.bench.run('web', { trigger: 'resync' });
        assert.equal(outcome.result === 'ok' && outcome.changed, revisionOf(tags));
        assert.equal((await suite.bench.read('web'))!.status!.lastScanResult!.revision, revisionOf(tags));
        assert.equal((await suite.ready()).status, 'True');
        await suite.bench.run('web', { trigger: 'resync' });
        assert.equal(listings(), 1);
      });

      it('index.docker.io in the status is the same name: no scan, and from now on it is docker.io', async () => {
        const { metadata } = await takeOver('alpine', revisionOf(tags));
        const key = { cluster: 'test', namespace: suite.bench.namespace, name: 'web' };
        const canonicalName = 'docker.io/library/alpine';
        const exclusionList = ['^.*\\.sig$'];
        const scanTime = suite.bench.clock.now() - 3 * MINUTE;
        const revision = revisionOf(tags);
        await writeTagRecord(suite.bench.store, key, {
          uid: metadata.uid,
          canonicalName,
          exclusionList,
          scanTime,
          revision,
          tags,
        });
        const outcome = await suite.bench.run('web', { trigger: 'resync' });
        assert.equal(outcome.result === 'ok' && outcome.requeueAfterMs, 7 * MINUTE);
        assert.equal((await suite.bench.read('web'))!.status!.canonicalImageName, canonicalName);
        assert.equal((await suite.ready()).status, 'True');
      });
    });

    it('an edit and a request that come during a scan are left to the next run', async () => {
      await scanned();
      await suite.bench.edit('web', { spec: { exclusionList: ['^x$'] } });
      suite.registry.faults.add({ path: LISTING, times: 1, delayMs: 300 });
      // At the progress patch, which then finds the object as it is by now.
      suite.bench.hooks.api = async ({ on }) => {
        if (on !== 'imagerepositories/status') return;
        suite.bench.hooks.api = undefined;
        await suite.bench.edit('web', { spec: { exclusionList: ['^y$'] } });
        await suite.bench.annotate('web', { [REQUESTED_AT]: 'late' });
      };
      assert.equal((await suite.bench.run('web')).result, 'ok');
      const { status, metadata } = (await suite.bench.read('web'))!;
      assert.equal(metadata.generation, 3);
      assert.equal(status!.observedGeneration, 2);
      assert.deepEqual(status!.observedExclusionList, ['^x$']);
      assert.equal(status!.lastHandledReconcileAt, undefined);
      assert.equal((await suite.bench.run('web', { trigger: 'requested' })).result, 'ok');
      assert.equal(listings(), 2);
      assert.equal((await suite.ready()).observedGeneration, 3);
      assert.equal((await suite.bench.read('web'))!.status!.lastHandledReconcileAt, 'late');
    });

    it('20. a resync of many objects scans none of them before its interval, and writes nothing', async () => {
      const names = Array.from({ length: cluster.many }, (_, index) => `web-${index}`);
      await inParallel(names, async (name) => {
        await suite.bench.create(name, { image: image() });
        assert.equal((await suite.bench.run(name)).result, 'ok');
      });
      suite.bench.forget();
      suite.registry.requests.clear();
      suite.bench.clock.move(4 * MINUTE);
      await inParallel(names, async (name) => {
        const outcome = await suite.bench.run(name, { trigger: 'resync' });
        assert.equal(outcome.result === 'ok' && outcome.requeueAfterMs, 6 * MINUTE);
      });
      assert.equal(suite.registry.requests.count(), 0);
      assert.deepEqual(suite.bench.writes(), []);
    });
  });
}

function pick<T extends object>(value: T, ...names: string[]): Record<string, unknown> {
  const entries = Object.entries(value).filter(
    ([name, member]) => names.includes(name) && member !== undefined,
  );
  return Object.fromEntries(entries);
}

async function inParallel(names: string[], work: (name: string) => Promise<void>): Promise<void> {
  const queue = names.values();
  await Promise.all(
    Array.from({ length: 16 }, async () => {
      for (const name of queue) await work(name);
    }),
  );
}
