/**
 * Artifacts through the packaged function: pushed by oras to a real registry, stored in a real S3 server by a process
 * that is no part of this one, and downloaded at the addresses of the status.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, type TestContext, test } from 'node:test';
import { createArtifactServer } from '../../infra/relay/artifact-server.ts';
import { startServer } from '../../infra/relay/server.ts';
import { OCI_REPOSITORY, type OciRepository } from '../../shared/api/oci-repository.ts';
import { systemClock } from '../../shared/runtime/clock.ts';
import { silentLogger } from '../../shared/runtime/logger.ts';
import { createS3Store } from '../../shared/storage/s3.ts';
import { listed } from '../../shared/storage/store-contract.ts';
import { newest, type Objects, openObjects } from '../e2e/objects.ts';
import { useApiServer } from '../parts/api-server.ts';
import { type Distribution, startDistribution } from '../parts/distribution.ts';
import { download } from '../parts/download.ts';
import { needs } from '../parts/parts.ts';
import { FLUX_CONTENT, packFiles, pushWithOras, unpackFiles } from '../parts/push-artifact.ts';
import { allowReading, type S3Server, startVersitygw } from '../parts/versitygw.ts';
import { type Chain, CLUSTER_ID, startChain } from './chain.ts';

const FILES = { 'deploy/app.yaml': 'kind: App\n', 'deploy/nested/values.yaml': 'replicas: 2\n' };

describe(
  'packaged, artifacts',
  needs('kube-apiserver', 'etcd', 'registry', 'versitygw', 'oras', 'tar'),
  () => {
    const cluster = useApiServer();
    let registry: Distribution;
    let s3: S3Server;
    let chain: Chain;
    let base: string;
    let objects: Objects<OciRepository>;

    before(async () => {
      [registry, s3] = await Promise.all([startDistribution(), startVersitygw()]);
      await allowReading(s3);
      base = `${s3.endpoint}/${s3.bucket}/${CLUSTER_ID}/artifacts`;
      chain = await startChain({ cluster, storage: s3, rbac: true, artifactBaseUrl: base });
      objects = openObjects(cluster.kube, newest(OCI_REPOSITORY), chain.namespace);
    });
    after(async () => {
      await chain?.stop();
      await Promise.all([registry?.stop(), s3?.stop()]);
    });

    const push = async (repository: string, tag: string, files: Record<string, string>) =>
      pushWithOras({
        repository: `${registry.host}/${repository}`,
        tag,
        layers: [{ mediaType: FLUX_CONTENT, body: await packFiles(files) }],
      });
    const urlOf = (repository: string) => `oci://${registry.host}/${repository}`;
    const stored = async (name: string) => {
      const prefix = `${CLUSTER_ID}/artifacts/ocirepository/${chain.namespace}/${name}/`;
      const infos = await listed(createS3Store(s3).list(prefix));
      return infos.map(({ key }) => key.slice(prefix.length));
    };

    /** The relay's artifact server on the same bucket. */
    async function serve(t: TestContext): Promise<string> {
      const local = '127.0.0.1:0';
      const store = createS3Store(s3);
      const server = await startServer(
        {
          ready: () => true,
          metrics: async function* () {},
          artifacts: createArtifactServer({
            store,
            cluster: CLUSTER_ID,
            clock: systemClock,
            log: silentLogger,
          }),
        },
        { 'health-addr': local, 'metrics-addr': local, 'storage-addr': local },
      );
      t.after(() => server.close());
      return server.artifactUrl!;
    }

    test('the file is in the bucket, and the bucket and the relay answer with it alike', async (t) => {
      const digest = await push('chain/app', 'v1', FILES);
      await objects.create('app', { url: urlOf('chain/app'), insecure: true, ref: { tag: 'v1' } });
      const { status } = await objects.ready('app');
      const { artifact } = status!;
      assert.equal(artifact!.revision, `v1@${digest}`);
      assert.equal(artifact!.url, `${base}/${artifact!.path}`);
      const relay = await serve(t);
      for (const url of [
        artifact!.url,
        status!.url!,
        ...[artifact!.url, status!.url!].map((own) => own.replace(base, relay)),
      ]) {
        const got = await download(url);
        assert.deepEqual(
          [got.status, got.digest, got.body.length],
          [200, artifact!.digest, artifact!.size],
          url,
        );
        assert.deepEqual(
          [got.headers['content-type'], got.headers['content-encoding']],
          ['application/gzip', undefined],
        );
        assert.deepEqual(await unpackFiles(got.body), FILES);
      }
    });

    test('a large artifact goes through the disk of the container, whole', async () => {
      // Does not compress: it is larger than what is kept in memory.
      const noise = randomBytes(12 * 1024 * 1024).toString('base64');
      await push('chain/large', 'v1', { 'large.txt': noise });
      await objects.create('large', { url: urlOf('chain/large'), insecure: true, ref: { tag: 'v1' } });
      const { artifact } = (await objects.ready('large')).status!;
      const got = await download(artifact!.url);
      assert.deepEqual([got.digest, got.body.length], [artifact!.digest, artifact!.size]);
      assert.deepEqual(await unpackFiles(got.body), { 'large.txt': noise });
    });

    test('an object that nobody touched writes nothing; a file that was lost comes back; a deleted object leaves nothing', async () => {
      await push('chain/short', 'v1', FILES);
      await objects.create('short', { url: urlOf('chain/short'), insecure: true, ref: { tag: 'v1' } });
      const first = await objects.ready('short');
      const before = (await createS3Store(s3).head(
        `${CLUSTER_ID}/artifacts/${first.status!.artifact!.path}`,
      ))!;
      await objects.request('short');
      const second = await objects.ready('short');
      assert.deepEqual(second.status!.artifact, first.status!.artifact);
      const key = `${CLUSTER_ID}/artifacts/${first.status!.artifact!.path}`;
      assert.deepEqual((await createS3Store(s3).head(key))!.lastModified, before.lastModified);

      await createS3Store(s3).delete(key);
      await objects.request('short');
      const third = await objects.ready('short');
      assert.equal(third.status!.artifact!.digest, first.status!.artifact!.digest);
      assert.equal((await download(third.status!.artifact!.url)).digest, first.status!.artifact!.digest);

      await objects.remove('short');
      await objects.gone('short');
      assert.deepEqual(await stored('short'), []);
      for (const url of [first.status!.artifact!.url, first.status!.url!]) {
        assert.equal((await download(url)).status, 404);
      }
    });
  },
);
