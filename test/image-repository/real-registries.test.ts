/** Scans of registries that other people wrote: one that pages, one that ignores `n` and never does. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { revisionOf } from '../../functions/image-repository/tag-set.ts';
import { startDebianRegistry } from '../parts/debian-registry.ts';
import { startDistribution } from '../parts/distribution.ts';
import { needs } from '../parts/parts.ts';
import { pushTags } from '../parts/push-tags.ts';
import { createFakeCluster } from '../workbench/fake-cluster.ts';
import { openWorkbench } from './workbench.ts';

const REGISTRIES = [
  ['CNCF Distribution', needs('registry'), startDistribution],
  ["Debian's docker-registry", needs('docker-registry'), startDebianRegistry],
] as const;

const TAGS = Array.from({ length: 1001 }, (_, index) => `v1.${index}.0`);

for (const [name, options, start] of REGISTRIES) {
  describe(name, options, () => {
    it('1,001 tags are found; a pushed one is found by the request for it; an unknown repository is told', async (t) => {
      const registry = await start();
      const bench = await openWorkbench({ kube: createFakeCluster() });
      t.after(() => Promise.all([registry.stop(), bench.close()]));
      const parts = Array.from({ length: 8 }, (_, part) => TAGS.filter((_tag, index) => index % 8 === part));
      await Promise.all(parts.map((tags) => pushTags(registry.url, 'team/app', tags)));
      await bench.create('web', { image: `${registry.host}/team/app` });
      const first = await bench.run('web');
      const expected = revisionOf(TAGS.toSorted().reverse());
      assert.equal(first.result === 'ok' && first.changed, expected);
      assert.equal((await bench.read('web'))!.status!.lastScanResult!.tagCount, TAGS.length);

      await pushTags(registry.url, 'team/app', ['v2.0.0']);
      await bench.annotate('web', { 'reconcile.fluxcd.io/requestedAt': 'now' });
      assert.equal((await bench.run('web', { trigger: 'requested' })).result, 'ok');
      const { lastScanResult } = (await bench.read('web'))!.status!;
      assert.equal(lastScanResult!.tagCount, TAGS.length + 1);
      assert.equal(lastScanResult!.latestTags![0], 'v2.0.0');

      await bench.create('lost', { image: `${registry.host}/team/lost` });
      const lost = await bench.run('lost');
      assert.match(lost.result === 'retry' ? lost.message : '', /^scan failed: .*404.*NAME_UNKNOWN/);
    });
  });
}
