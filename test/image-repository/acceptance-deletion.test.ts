/** Acceptance point 15: whoever deletes an object, and whenever, its tag record goes with it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CLUSTERS } from '../workbench/clusters.ts';
import { useSuite } from './suite.ts';

for (const cluster of CLUSTERS) {
  describe(`15. deletion on ${cluster.name}`, cluster.options, () => {
    const suite = useSuite(cluster.use());

    /** Does `work` once, at the moment when a scan has its tags and is about to store them. */
    function beforeTagsAreStored(work: () => Promise<unknown>): void {
      const { bench } = suite;
      bench.hooks.store = async ({ verb }) => {
        if (verb !== 'put') return;
        bench.hooks.store = undefined;
        await work();
      };
    }

    it('during a scan: the finalizer goes, the record does not come back', async () => {
      const { bench } = suite;
      await bench.create('web', { image: suite.image() });
      const { uid } = (await bench.read('web'))!.metadata;
      beforeTagsAreStored(() => bench.remove('web'));
      assert.equal((await bench.run('web')).result, 'ok');
      assert.equal(await bench.record('web', uid), undefined, 'the scan takes its record back');
      assert.equal((await bench.run('web')).result, 'gone');
      assert.equal(await bench.read('web'), undefined);
      assert.equal(await bench.record('web', uid), undefined);
      assert.equal((await bench.events('web')).length, 0, 'no events for deleted objects');
    });

    it('by another run, while the scan is under way', async () => {
      const { bench } = suite;
      await bench.create('web', { image: suite.image() });
      const { uid } = (await bench.read('web'))!.metadata;
      beforeTagsAreStored(async () => {
        await bench.remove('web');
        assert.equal((await bench.run('web')).result, 'gone');
      });
      assert.equal((await bench.run('web')).result, 'gone');
      assert.equal(await bench.record('web', uid), undefined);
    });

    it('by force, finalizer and all', async () => {
      const { bench } = suite;
      await bench.create('web', { image: suite.image() });
      const { uid } = (await bench.read('web'))!.metadata;
      beforeTagsAreStored(async () => {
        await bench.edit('web', { metadata: { finalizers: null } });
        await bench.remove('web');
      });
      assert.equal((await bench.run('web')).result, 'gone');
      assert.equal(await bench.record('web', uid), undefined);
    });

    it('and made anew meanwhile: the new object keeps its status, and has its own tags after its next run', async () => {
      const { bench } = suite;
      await bench.create('web', { image: suite.image() });
      beforeTagsAreStored(async () => {
        await bench.edit('web', { metadata: { finalizers: null } });
        await bench.remove('web');
        await bench.create('web', { image: suite.image('team/other') });
        assert.equal((await bench.run('web')).result, 'ok');
      });
      assert.equal((await bench.run('web')).result, 'gone');
      const { metadata, status } = (await bench.read('web'))!;
      assert.equal(status!.canonicalImageName, suite.image('team/other'));
      assert.equal(status!.lastScanResult!.tagCount, 1);
      assert.equal((await bench.run('web', { trigger: 'timer' })).result, 'ok');
      assert.deepEqual((await bench.record('web', metadata.uid))?.tags, ['1.0']);
    });

    it('a store that does not delete keeps the finalizer', async () => {
      const { bench } = suite;
      await suite.scanned();
      await bench.remove('web');
      bench.hooks.store = ({ verb }) => {
        if (verb === 'delete') throw new Error('the store is read-only');
      };
      const outcome = await bench.run('web');
      assert.match(outcome.result === 'retry' ? outcome.message : '', /tag record.*read-only/);
      assert.ok(await bench.read('web'));
      bench.hooks.store = undefined;
      assert.equal((await bench.run('web')).result, 'gone');
      assert.equal(await bench.read('web'), undefined);
    });

    for (const [name, spec] of [
      ['an invalid object', { image: 'https://nonsense' }],
      ['a suspended object', { suspend: true }],
      ['an object behind a closed gate', { provider: 'aws', serviceAccountName: 'puller' }],
    ] as const) {
      it(`${name} goes like any other (IR-REC-6)`, async () => {
        const { bench } = suite;
        await bench.create('web', { image: suite.image(), ...spec });
        await bench.run('web');
        const events = await bench.events('web');
        await bench.remove('web');
        assert.equal((await bench.run('web')).result, 'gone');
        assert.equal(await bench.read('web'), undefined);
        assert.deepEqual(await bench.events('web'), events);
      });
    }

    it('an object that is not there any more is done', async () => {
      assert.equal((await suite.bench.run('web')).result, 'gone');
    });
  });
}
