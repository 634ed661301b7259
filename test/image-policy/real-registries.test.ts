/** Policies over registries that other people wrote: a pushed tag is chosen, and its digest is the registry's. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openWorkbench as openScans } from '../image-repository/workbench.ts';
import { startDebianRegistry } from '../parts/debian-registry.ts';
import { startDistribution } from '../parts/distribution.ts';
import { needs } from '../parts/parts.ts';
import { pushTags } from '../parts/push-tags.ts';
import { createFakeCluster } from '../workbench/fake-cluster.ts';
import { NEWEST, openBeside } from './suite.ts';

const REGISTRIES = [
  ['CNCF Distribution', needs('registry'), startDistribution],
  ["Debian's docker-registry", needs('docker-registry'), startDebianRegistry],
] as const;

for (const [name, options, start] of REGISTRIES) {
  describe(name, options, () => {
    it('a pushed tag is chosen, with the digest that the registry tells', async (t) => {
      const registry = await start();
      const kube = createFakeCluster();
      const scans = await openScans({ kube });
      const policies = await openBeside(kube, scans);
      t.after(() => Promise.all([registry.stop(), policies.close(), scans.close()]));
      const image = `${registry.host}/team/app`;
      await pushTags(registry.url, 'team/app', ['v1.0.0', 'v1.1.0', 'latest']);
      await scans.create('web', { image });
      await policies.create('newest', { ...NEWEST, digestReflectionPolicy: 'Always', interval: '10m' });
      const latest = async () => {
        await scans.annotate('web', { 'reconcile.fluxcd.io/requestedAt': String(performance.now()) });
        assert.equal((await scans.run('web', { trigger: 'requested' })).result, 'ok');
        const outcome = await policies.run('newest', { trigger: 'dependency' });
        assert.equal(outcome.result, 'ok', JSON.stringify(outcome));
        return (await policies.read('newest'))!.status!;
      };
      const digestOf = async (tag: string) => {
        const accept =
          'application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json';
        const answer = await fetch(`${registry.url}/v2/team/app/manifests/${tag}`, { headers: { accept } });
        return answer.headers.get('docker-content-digest');
      };
      const first = await latest();
      assert.deepEqual(first.latestRef, { name: image, tag: 'v1.1.0', digest: await digestOf('v1.1.0') });

      await pushTags(registry.url, 'team/app', ['v2.0.0']);
      const second = await latest();
      assert.deepEqual(second.latestRef, { name: image, tag: 'v2.0.0', digest: await digestOf('v2.0.0') });
      assert.deepEqual(second.observedPreviousRef, first.latestRef);
    });
  });
}
