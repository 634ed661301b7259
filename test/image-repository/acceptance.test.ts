/**
 * Acceptance of `ImageRepository`: the points of appendix F that the decisions give to this kind, one test a point, on
 * every API server that there is. What concerns registries (points 6 to 10) stands in `acceptance-registry.test.ts`.
 */
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { revisionOf } from '../../functions/image-repository/tag-set.ts';
import { type LocalRegistry, startRegistry } from '../../infra/local/registry/registry.ts';
import { writeTagRecord } from '../../shared/storage/tag-record.ts';
import { CLUSTERS } from './clusters.ts';
import { assertKstatus } from './kstatus.ts';
import { openWorkbench, type Workbench } from './workbench.ts';

const MINUTE = 60_000;
const LISTING = /\/tags\/list/;
const REQUESTED_AT = 'reconcile.fluxcd.io/requestedAt';

for (const cluster of CLUSTERS) {
  describe(`ImageRepository on ${cluster.name}`, cluster.options, () => {
    const server = cluster.use();
    let registry: LocalRegistry;
    let bench: Workbench;

    before(async () => {
      registry = await startRegistry({ port: 0 });
      await registry.push('team/app', ['latest', 'v0.0.1', 'v0.0.2']);
      await registry.push('team/other', ['1.0']);
    });
    after(() => registry?.close());
    beforeEach(async () => {
      bench = await openWorkbench({ kube: server.kube });
      registry.requests.clear();
    });
    afterEach(async () => {
      registry.faults.clear();
      await bench.close();
    });

    const image = (repository = 'team/app') => `${registry.host}/${repository}`;

    /** The object as a first scan left it, and nothing counted so far. */
    async function scanned(spec: Record<string, unknown> = {}, name = 'web') {
      await bench.create(name, { image: image(), ...spec });
      const outcome = await bench.run(name);
      assert.equal(outcome.result, 'ok', JSON.stringify(outcome));
      bench.forget();
      registry.requests.clear();
      return (await bench.read(name))!;
    }

    const readyOf = async (name = 'web') => {
      const object = (await bench.read(name))!;
      assertKstatus(object);
      return object.status!.conditions!.find(({ type }) => type === 'Ready')!;
    };
    const listings = () => registry.requests.count('GET', LISTING);

    it('4. revisions are those of the table', async () => {
      const object = await scanned();
      assert.deepEqual(object.status!.lastScanResult, {
        tagCount: 3,
        latestTags: ['v0.0.2', 'v0.0.1', 'latest'],
        revision: 'sha256:6c47cd0061dcca36c1e3f6412637a393dffa2664955aed4b10671aff73555070',
        scanTime: new Date(bench.clock.now()).toISOString().replace('.000Z', 'Z'),
      });
      await bench.create('empty', { image: image(), exclusionList: ['.'] });
      await bench.run('empty');
      assert.deepEqual((await bench.read('empty'))!.status!.lastScanResult, {
        tagCount: 0,
        revision: 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
        scanTime: new Date(bench.clock.now()).toISOString().replace('.000Z', 'Z'),
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
          change: () => bench.annotate('web', { [REQUESTED_AT]: 'b' }),
          scans: true,
          waitMs: 10 * MINUTE,
        },
        {
          name: 'another image',
          laterMs: 3 * MINUTE,
          change: () => bench.edit('web', { spec: { image: image('team/other') } }),
          scans: true,
        },
        {
          name: 'record missing',
          laterMs: 3 * MINUTE,
          change: () => bench.store.delete(`test/tags/${bench.namespace}/web`),
          scans: true,
        },
        {
          name: 'list emptied: the default stays in effect',
          laterMs: 3 * MINUTE,
          change: () => bench.edit('web', { spec: { exclusionList: [] } }),
          scans: false,
          waitMs: 7 * MINUTE,
        },
        {
          name: 'list longer',
          laterMs: 3 * MINUTE,
          change: () => bench.edit('web', { spec: { exclusionList: ['^x$', '^y$'] } }),
          scans: true,
        },
        {
          name: 'only the interval edited (IR-REPO-4)',
          laterMs: 3 * MINUTE,
          change: () => bench.edit('web', { spec: { interval: '5m' } }),
          scans: false,
          waitMs: 2 * MINUTE,
        },
        {
          name: 'interval 0s: every run scans, no timer (IR-REPO-5)',
          laterMs: 3 * MINUTE,
          change: () => bench.edit('web', { spec: { interval: '0s', timeout: '30s' } }),
          scans: true,
        },
      ];
      for (const row of rows) {
        it(row.name, async () => {
          await scanned();
          bench.clock.move(row.laterMs);
          await row.change?.();
          const outcome = await bench.run('web');
          assert.equal(outcome.result, 'ok', JSON.stringify(outcome));
          assert.equal(listings(), row.scans ? 1 : 0);
          if (row.waitMs) assert.equal(outcome.result === 'ok' && outcome.requeueAfterMs, row.waitMs);
          if (row.name.startsWith('interval 0s')) {
            assert.equal(outcome.result === 'ok' && outcome.requeueAfterMs, undefined);
          }
          const { scanTime } = (await bench.read('web'))!.status!.lastScanResult!;
          const stored = Math.floor((bench.clock.now() - (row.scans ? 0 : row.laterMs)) / 1000) * 1000;
          assert.equal(Date.parse(scanTime!), stored);
          assert.equal((await readyOf()).reason, 'Succeeded');
        });
      }

      it('a token that was handled, or is removed, asks for nothing', async () => {
        await bench.create('web', { image: image() }, { annotations: { [REQUESTED_AT]: 'a' } });
        await bench.run('web');
        assert.equal((await bench.read('web'))!.status!.lastHandledReconcileAt, 'a');
        await bench.run('web', { trigger: 'requested' });
        await bench.annotate('web', { [REQUESTED_AT]: null });
        await bench.run('web', { trigger: 'requested' });
        assert.equal(listings(), 1);
      });

      it('another list in another order is the same list', async () => {
        await scanned({ exclusionList: ['^a$', '^b$'] });
        await bench.edit('web', { spec: { exclusionList: ['^b$', '^a$'] } });
        await bench.run('web');
        assert.equal(listings(), 0);
      });
    });

    it('14. suspend: nothing changes but the answer to a token; un-suspended, it scans only if due', async () => {
      const { status } = await scanned();
      await bench.edit('web', { spec: { suspend: true, image: 'https://nonsense' } });
      bench.clock.move(30 * MINUTE);
      assert.deepEqual(pick(await bench.run('web'), 'result', 'requeueAfterMs'), { result: 'ok' });
      assert.deepEqual(bench.writes(), []);
      await bench.annotate('web', { [REQUESTED_AT]: 'now' });
      await bench.run('web', { trigger: 'requested' });
      assert.deepEqual((await bench.read('web'))!.status, { ...status, lastHandledReconcileAt: 'now' });
      assert.equal(registry.requests.count(), 0);
      assert.deepEqual(bench.stored, []);

      bench.clock.move(-29 * MINUTE);
      await bench.edit('web', { spec: { suspend: false, image: image() } });
      await bench.run('web');
      assert.equal(listings(), 0);
      bench.clock.move(10 * MINUTE);
      await bench.run('web', { trigger: 'timer' });
      assert.equal(listings(), 1);
      assert.equal((await readyOf()).status, 'True');
    });

    it('14. a suspended object that is new gets its finalizer and is left alone, and can be deleted', async () => {
      await bench.create('web', { image: image(), suspend: true });
      await bench.run('web');
      const object = (await bench.read('web'))!;
      assert.deepEqual(object.metadata.finalizers, ['finalizers.fluxcd.io']);
      assert.deepEqual(object.status, { observedGeneration: -1 });
      await bench.remove('web');
      assert.equal((await bench.run('web')).result, 'gone');
      assert.equal(await bench.read('web'), undefined);
    });

    it('15. deletion during a scan: the finalizer goes, the record does not come back', async () => {
      await bench.create('web', { image: image() });
      const { uid } = (await bench.read('web'))!.metadata;
      registry.faults.add({ path: LISTING, delayMs: 50 });
      const run = bench.run('web');
      await until(() => listings() === 1);
      await bench.remove('web');
      await run;
      assert.equal(await bench.record('web', uid), undefined, 'the scan takes its record back');
      assert.equal((await bench.run('web')).result, 'gone');
      assert.equal(await bench.read('web'), undefined);
      assert.equal(await bench.record('web', uid), undefined);
    });

    it('15. the object is gone, finalizer and all, before the scan ends: its record goes as well', async () => {
      await bench.create('web', { image: image() });
      const { uid } = (await bench.read('web'))!.metadata;
      registry.faults.add({ path: LISTING, delayMs: 50 });
      const run = bench.run('web');
      await until(() => listings() === 1);
      await bench.remove('web');
      await bench.edit('web', { metadata: { finalizers: null } });
      assert.equal((await run).result, 'gone');
      assert.equal(await bench.record('web', uid), undefined);
    });

    it('15. a scan of an object that was made anew meanwhile touches neither the new one nor its record', async () => {
      await bench.create('web', { image: image() });
      registry.faults.add({ path: LISTING, times: 1, delayMs: 100 });
      const late = bench.run('web');
      await until(() => listings() === 1);
      await bench.remove('web');
      await bench.edit('web', { metadata: { finalizers: null } });
      await bench.create('web', { image: image('team/other') });
      await bench.run('web');
      await late;
      const object = (await bench.read('web'))!;
      assert.equal(object.status!.canonicalImageName, image('team/other'));
      await bench.run('web', { trigger: 'timer' });
      assert.deepEqual((await bench.record('web', object.metadata.uid))?.tags, ['1.0']);
    });

    it('15. a store that does not delete keeps the finalizer', async () => {
      await scanned();
      await bench.remove('web');
      bench.hooks.store = ({ verb }) => {
        if (verb === 'delete') throw new Error('the store is read-only');
      };
      const outcome = await bench.run('web');
      assert.equal(outcome.result, 'retry');
      assert.match(outcome.result === 'retry' ? outcome.message : '', /tag record.*read-only/);
      assert.ok(await bench.read('web'));
      bench.hooks.store = undefined;
      assert.equal((await bench.run('web')).result, 'gone');
      assert.equal(await bench.read('web'), undefined);
    });

    it('16. a token on a failing object is answered at once, and the next attempt scans again', async () => {
      const { status } = await scanned();
      registry.faults.add({ path: LISTING, status: 403 });
      await bench.annotate('web', { [REQUESTED_AT]: 't9' });
      const failed = await bench.run('web', { trigger: 'requested' });
      assert.equal(failed.result, 'retry');
      const object = (await bench.read('web'))!;
      assert.equal(object.status!.lastHandledReconcileAt, 't9');
      assert.deepEqual(object.status!.lastScanResult, status!.lastScanResult);
      assert.equal((await readyOf()).reason, 'ReadOperationFailed');

      registry.faults.clear();
      registry.requests.clear();
      const repeated = await bench.run('web', { trigger: 'requested', attempt: 1 });
      assert.equal(repeated.result, 'ok');
      assert.equal(listings(), 1);
      assert.equal((await readyOf()).status, 'True');
    });

    it('17. two objects with one image have two records; deleting one leaves the other', async () => {
      const first = await scanned();
      const neighbour = await openWorkbench({ kube: server.kube, store: bench.store });
      await neighbour.create('web', { image: image(), exclusionList: ['^v'] });
      await neighbour.run('web');
      const second = (await neighbour.read('web'))!;
      assert.deepEqual((await bench.record('web', first.metadata.uid))?.tags, ['v0.0.2', 'v0.0.1', 'latest']);
      assert.deepEqual((await neighbour.record('web', second.metadata.uid))?.tags, ['latest']);
      await bench.remove('web');
      await bench.run('web');
      assert.equal(await bench.record('web', first.metadata.uid), undefined);
      assert.deepEqual((await neighbour.record('web', second.metadata.uid))?.tags, ['latest']);
      await neighbour.close();
    });

    describe('18. objects of the original are taken over without a failure', () => {
      /** Status as the original writes it, three minutes after its scan. */
      async function takeOver(name: string, revision: string) {
        const object = await bench.create('web', { image: name }, { finalizers: ['finalizers.fluxcd.io'] });
        const { generation } = object.metadata;
        const scanTime = `${new Date(bench.clock.now() - 3 * MINUTE).toISOString().slice(0, 19)}Z`;
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
        const at = { namespace: bench.namespace, name: 'web', subresource: 'status' };
        await bench.kube.patch(bench.resource, at, { status });
        return object;
      }
      const tags = ['v0.0.2', 'v0.0.1', 'latest'];

      it('Adler-32 revision, empty store: one scan, and no other', async () => {
        await takeOver(image(), '1593509681');
        const outcome = await bench.run('web', { trigger: 'resync' });
        assert.equal(outcome.result === 'ok' && outcome.changed, revisionOf(tags));
        assert.equal((await bench.read('web'))!.status!.lastScanResult!.revision, revisionOf(tags));
        assert.equal((await readyOf()).status, 'True');
        await bench.run('web', { trigger: 'resync' });
        assert.equal(listings(), 1);
      });

      it('index.docker.io in the status is the same name: no scan, and from now on it is docker.io', async () => {
        const { metadata } = await takeOver('alpine', revisionOf(tags));
        const key = { cluster: 'test', namespace: bench.namespace, name: 'web' };
        const canonicalName = 'docker.io/library/alpine';
        const exclusionList = ['^.*\\.sig$'];
        const scanTime = bench.clock.now() - 3 * MINUTE;
        const revision = revisionOf(tags);
        await writeTagRecord(bench.store, key, {
          uid: metadata.uid,
          canonicalName,
          exclusionList,
          scanTime,
          revision,
          tags,
        });
        const outcome = await bench.run('web', { trigger: 'resync' });
        assert.equal(outcome.result === 'ok' && outcome.requeueAfterMs, 7 * MINUTE);
        assert.equal((await bench.read('web'))!.status!.canonicalImageName, canonicalName);
        assert.equal((await readyOf()).status, 'True');
      });
    });

    it('an edit and a request that come during a scan are left to the next run', async () => {
      await scanned();
      registry.faults.add({ path: LISTING, times: 1, delayMs: 400 });
      await bench.edit('web', { spec: { exclusionList: ['^x$'] } });
      const run = bench.run('web');
      // The progress patch, which answers with the object as it is by then.
      await until(() => listings() === 1);
      await bench.edit('web', { spec: { exclusionList: ['^y$'] } });
      await bench.annotate('web', { [REQUESTED_AT]: 'late' });
      assert.equal((await run).result, 'ok');
      const { status, metadata } = (await bench.read('web'))!;
      assert.equal(metadata.generation, 3);
      assert.equal(status!.observedGeneration, 2);
      assert.deepEqual(status!.observedExclusionList, ['^x$']);
      assert.equal(status!.lastHandledReconcileAt, undefined);
      assert.equal((await bench.run('web', { trigger: 'requested' })).result, 'ok');
      assert.equal(listings(), 2);
      assert.equal((await readyOf()).observedGeneration, 3);
      assert.equal((await bench.read('web'))!.status!.lastHandledReconcileAt, 'late');
    });

    it('20. a resync of many objects scans none of them before its interval, and writes nothing', async () => {
      const names = Array.from({ length: cluster.many }, (_, index) => `web-${index}`);
      await inParallel(names, async (name) => {
        await bench.create(name, { image: image() });
        assert.equal((await bench.run(name)).result, 'ok');
      });
      bench.forget();
      registry.requests.clear();
      bench.clock.move(4 * MINUTE);
      await inParallel(names, async (name) => {
        const outcome = await bench.run(name, { trigger: 'resync' });
        assert.equal(outcome.result === 'ok' && outcome.requeueAfterMs, 6 * MINUTE);
      });
      assert.equal(registry.requests.count(), 0);
      assert.deepEqual(bench.writes(), []);
    });
  });
}

function pick<T extends object>(value: T, ...names: string[]): Record<string, unknown> {
  const entries = Object.entries(value).filter(
    ([name, member]) => names.includes(name) && member !== undefined,
  );
  return Object.fromEntries(entries);
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

async function inParallel(names: string[], work: (name: string) => Promise<void>): Promise<void> {
  const queue = names.values();
  await Promise.all(
    Array.from({ length: 16 }, async () => {
      for (const name of queue) await work(name);
    }),
  );
}
