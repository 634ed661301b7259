/** `--artifact-digest-algo` (15.3): consumers are told another digest, and everything else goes on as before. */
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { describe, it } from 'node:test';
import { artifactKey } from '../../shared/artifact/artifact-path.ts';
import { createFakeCluster } from '../workbench/fake-cluster.ts';
import { CLUSTER } from '../workbench/workbench.ts';
import { BASE, BLOBS, useSuite } from './suite.ts';

for (const algorithm of ['sha384', 'sha512']) {
  describe(`digests with ${algorithm}`, () => {
    const suite = useSuite(
      { kube: createFakeCluster() },
      { settings: { 'artifact-base-url': BASE, 'artifact-digest-algo': algorithm } },
    );

    it('the status tells it, beside the checksum that is always a SHA-256', async () => {
      const { artifact } = (await suite.ready()).status!;
      const file = (await suite.stored(artifact!.path))!;
      assert.equal(artifact!.digest, `${algorithm}:${hash(algorithm, file)}`);
      assert.equal(artifact!.checksum, hash('sha256', file));
    });

    it('a run that finds nothing new writes nothing', async () => {
      const before = await suite.ready();
      assert.deepEqual(await suite.run({ trigger: 'timer' }), before);
      assert.deepEqual(suite.bench.writes(), []);
      assert.equal(suite.registry.requests.count('GET', BLOBS), 0);
    });

    it('an artifact that was altered is made again', async () => {
      const before = await suite.ready();
      const key = artifactKey(CLUSTER, before.status!.artifact!.path);
      await suite.bench.store.put(key, Buffer.alloc(before.status!.artifact!.size!));
      const { status } = await suite.run({ trigger: 'timer' });
      assert.equal(status!.artifact!.digest, before.status!.artifact!.digest);
      assert.equal(hash('sha256', (await suite.stored(status!.artifact!.path))!), status!.artifact!.checksum);
      const altered = (await suite.events()).filter((text) => text.includes('ArtifactVerificationFailed'));
      assert.equal(altered.length, 1);
    });
  });
}
