/** A cluster that keeps the CRDs of Flux: they prune what only ours know, and old ones serve v1beta2 alone (section 4). */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { OciRepository } from '../../shared/api/oci-repository.ts';
import type { KubeObject } from '../../shared/kube/resource.ts';
import { createFakeCluster } from '../workbench/fake-cluster.ts';
import { BASE, useSuite } from './suite.ts';

const RELEASES = [
  { name: 'source-controller 1.9, v1 alone', version: 'v1', cluster: 'v1-of-flux', checksum: false },
  {
    name: 'source-controller 1.5, v1beta2 alone',
    version: 'v1beta2',
    cluster: 'v1beta2-only',
    checksum: true,
  },
];

for (const { name, version, cluster: id, checksum } of RELEASES) {
  describe(`the CRDs of ${name}`, () => {
    const cluster = createFakeCluster();
    cluster.versions = [version];
    cluster.prune = ({ status }: KubeObject) => {
      const { artifact, ...rest } = (status ?? {}) as NonNullable<OciRepository['status']>;
      if (artifact) delete artifact.checksum;
      if (!checksum && status) delete (status as typeof rest).contentConfigChecksum;
    };
    const suite = useSuite(
      { kube: cluster },
      { version, cluster: id, settings: { 'artifact-base-url': BASE } },
    );

    it('an artifact becomes Ready, and nothing is written while nothing is new', async () => {
      const spec = { ignore: '/readme.md', layerSelector: { operation: 'extract' } } as const;
      const { status } = await suite.ready(spec);
      assert.match(status!.artifact!.digest!, /^sha256:/);
      assert.equal(status!.artifact!.checksum, undefined);
      assert.equal(status!.contentConfigChecksum !== undefined, checksum);
      for (const trigger of ['timer', 'resync'] as const) await suite.run({ trigger });
      assert.deepEqual(suite.bench.writes(), [], 'what is pruned is no reason to write');
    });

    it('a new revision, and the end', async () => {
      await suite.ready();
      const digest = await suite.push('latest', { a: 'b' });
      const { status } = await suite.run({ trigger: 'timer' });
      assert.equal(status!.artifact!.revision, `latest@${digest}`);
      await suite.bench.remove('web');
      assert.equal((await suite.bench.run('web')).result, 'gone');
      assert.equal(await suite.bench.read('web'), undefined);
    });
  });
}
