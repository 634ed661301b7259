/** A relay that starts again computes everything from the API server: what is settled rests, the rest runs at once. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { startRegistry } from '../../infra/local/registry/registry.ts';
import { onEveryApiServer } from '../parts/api-servers.ts';
import { openStage, REPOSITORIES } from './stage.ts';

/** Repositories, and the objects of the same names. */
const NAMES = ['changed', 'due', 'edited', 'new', 'removed', 'requested', 'rests', 'stalled', 'suspended'];

onEveryApiServer((api) => {
  for (const place of ['the same store', 'an empty store']) {
    test(`started again over ${place}, it scans what is due, changed or requested, and nothing else`, async (t) => {
      const registry = await startRegistry({ port: 0 });
      t.after(() => registry.close());
      const stage = await openStage(t, api);
      const image = (name: string) => `${registry.host}/team/${name}`;
      for (const name of NAMES) await registry.push(`team/${name}`, ['1.0', '2.0']);

      const first = await stage.serve();
      const existing = NAMES.filter((name) => name !== 'new' && name !== 'stalled');
      for (const name of existing) await stage.create(name, { image: image(name) });
      await stage.create('stalled', { image: `https://${image('stalled')}` });
      for (const name of existing) await stage.ready(name);
      await stage.failed('stalled');
      await stage.edit('suspended', { suspend: true });
      await first.idle();
      await first.stop();

      const version = (await stage.read('rests')).metadata.resourceVersion;
      await registry.push('team/due', '3.0');
      const scanTime = new Date(Date.now() - 3_601_000).toISOString().replace(/\.\d+Z/, 'Z');
      const due = { namespace: stage.namespace, name: 'due', subresource: 'status' };
      await api.kube.patch(REPOSITORIES, due, { status: { lastScanResult: { scanTime } } });
      await stage.edit('changed', { exclusionList: ['^1'] });
      await stage.edit('edited', { interval: '2h' });
      await stage.request('requested');
      await stage.request('suspended');
      await stage.create('new', { image: image('new') });
      await stage.remove('removed');
      registry.requests.clear();

      const store = place === 'the same store' ? stage.store : path.join(stage.store, '../empty');
      const second = await stage.serve({ store });
      await stage.gone('removed');
      for (const name of ['changed', 'due', 'edited', 'new', 'requested']) await stage.ready(name);
      await stage.until('due', 'scanned', ({ status }) => status!.lastScanResult!.tagCount === 3);
      await stage.until('suspended', 'answered', ({ status }) => !!status!.lastHandledReconcileAt);
      await second.idle();

      const scanned = registry.requests.records.map(({ path: where }) => where.split('/')[3]).sort();
      // An edit that asks for no other tags makes no scan, if the tags are there.
      const wanted = [
        'changed',
        'due',
        ...(place === 'the same store' ? [] : ['edited']),
        'new',
        'requested',
      ];
      assert.deepEqual(scanned, wanted);
      assert.equal(await second.runs(), 7, 'the five, the suspended one and the removed one');
      assert.equal((await stage.read('rests')).metadata.resourceVersion, version);
      const kept = ['rests', 'suspended'].filter(() => place === 'the same store');
      assert.deepEqual(
        await stage.records(store),
        [...wanted, ...(place === 'the same store' ? ['edited'] : []), ...kept]
          .map((name) => `${stage.namespace}/${name}`)
          .sort(),
      );
    });
  }

  test('an object whose scan failed is tried again at once', async (t) => {
    const registry = await startRegistry({ port: 0, faults: [{ status: 403, body: {} }] });
    t.after(() => registry.close());
    await registry.push('team/app', '1.0');
    const stage = await openStage(t, api);
    const patient = ['--min-retry-delay=1h', '--max-retry-delay=1h', `--namespace=${stage.namespace}`];
    const first = await stage.serve({ args: patient });
    await stage.create('app', { image: `${registry.host}/team/app` });
    await stage.failed('app');
    await first.stop();
    registry.faults.clear();
    await stage.serve({ args: patient });
    await stage.ready('app');
  });
});
