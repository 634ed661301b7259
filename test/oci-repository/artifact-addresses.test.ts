/**
 * Both addresses of a status answer the same way wherever the base points to (decisions, OCIRepository): the relay's
 * pods in front of a bucket, or the bucket itself, as behind a CDN or a VPC endpoint.
 */
import assert from 'node:assert/strict';
import { hash, randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { type Running, start } from '../../infra/relay/main.ts';
import { startTestApi, type TestApi } from '../../infra/relay/test-api.ts';
import { type ArtifactStore, openArtifactStore } from '../../shared/artifact/artifact-store.ts';
import { systemClock } from '../../shared/runtime/clock.ts';
import { createS3Store } from '../../shared/storage/s3.ts';
import { download } from '../parts/download.ts';
import { needs } from '../parts/parts.ts';
import { allowReading, type S3Server, startVersitygw } from '../parts/versitygw.ts';

const CLUSTER = 'test';
const PREFIX = 'some/prefix';
const REVISION = `1.0@sha256:${'ab'.repeat(32)}`;
const HEAD_FIELDS = ['content-length', 'content-type', 'content-encoding'];

describe('addresses of artifacts', needs('versitygw'), () => {
  let s3: S3Server;
  let api: TestApi;
  let leader: Running;
  let standby: Running;

  before(async () => {
    [s3, api] = await Promise.all([startVersitygw(), startTestApi()]);
    await allowReading(s3);
    leader = await startRelay(s3, api);
    await untilLeading(leader);
    standby = await startRelay(s3, api);
  });
  after(async () => {
    await standby?.stop();
    await leader?.stop();
    await Promise.all([s3?.stop(), api?.close()]);
  });

  for (const [where, base] of [
    ['the relay that leads', () => leader.server.artifactUrl!],
    ['a relay on standby', () => standby.server.artifactUrl!],
    ['the bucket', () => `${s3.endpoint}/${s3.bucket}/${PREFIX}/${CLUSTER}/artifacts`],
  ] as const) {
    describe(where, () => {
      let artifacts: ArtifactStore;
      before(() => {
        artifacts = openArtifactStore(
          {
            store: createS3Store({ ...s3, prefix: PREFIX }),
            cluster: CLUSTER,
            baseUrl: base(),
            retention: { ttlMs: 600_000, records: 2 },
            clock: systemClock,
          },
          { namespace: 'apps', name: where.replaceAll(' ', '-') },
        );
      });

      for (const size of [3000, 6 * 1024 * 1024]) {
        test(`answers with the file of ${size} bytes, by its own address and by that of the alias`, async () => {
          const body = randomBytes(size);
          const sha256 = hash('sha256', body);
          const content = { size, sha256, digest: `sha256:${sha256}`, body: () => body };
          const file = await artifacts.publish(content, { uid: 'u', revision: REVISION });
          await artifacts.pointLatest(file.path);
          assert.ok(file.url.startsWith(`${base()}/ocirepository/apps/`));
          for (const url of [file.url, artifacts.url()]) {
            const got = await download(url);
            assert.deepEqual([got.status, got.digest, got.body.length], [200, file.digest, file.size]);
            const headed = await download(url, 'HEAD');
            assert.deepEqual([headed.status, headed.body.length], [200, 0]);
            for (const { headers } of [got, headed]) {
              assert.deepEqual(
                HEAD_FIELDS.map((name) => headers[name]),
                [String(size), 'application/gzip', undefined],
              );
            }
          }
        });
      }

      test('answers 404 for what is missing', async () => {
        for (const method of ['GET', 'HEAD'] as const) {
          const url = artifacts.url(`ocirepository/apps/none/${'cd'.repeat(32)}.tar.gz`);
          assert.equal((await download(url, method)).status, 404);
        }
      });

      test('answers 404 for the files of an object that was deleted', async () => {
        assert.equal(await artifacts.removeAll(), 3);
        assert.equal((await download(artifacts.url())).status, 404);
      });
    });
  }

  test('the relay serves nothing of the bucket but artifacts', async () => {
    const store = createS3Store({ ...s3, prefix: PREFIX });
    await store.put(`${CLUSTER}/tags/apps/app`, Buffer.from('tags'));
    assert.equal(await leads(standby), false);
    const url = standby.server.artifactUrl!;
    for (const path of ['/tags/apps/app', '/test/tags/apps/app', '/']) {
      assert.equal((await download(`${url}${path}`)).status, 404);
    }
  });
});

async function leads({ server }: Running): Promise<boolean> {
  const text = await (await fetch(`${server.metricsUrl}/metrics`)).text();
  return /^leader_election_master_status\{.*\} 1$/m.test(text);
}

async function untilLeading(relay: Running): Promise<void> {
  while (!(await leads(relay))) await pause(10);
}

/** The relay as its pod starts it, on the bucket. */
async function startRelay(s3: S3Server, api: TestApi): Promise<Running> {
  const kubeconfig = path.join(s3.folder, '..', 'kubeconfig');
  const named = (name: string, more: object) => [{ name: 'test', [name]: more }];
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    contexts: named('context', { cluster: 'test', user: 'test' }),
    clusters: named('cluster', { server: api.url }),
    users: named('user', { token: 'token' }),
  };
  await writeFile(kubeconfig, JSON.stringify(config));
  const flags = {
    'cluster-id': CLUSTER,
    'storage-bucket': s3.bucket,
    'storage-prefix': PREFIX,
    'storage-endpoint': s3.endpoint,
    'storage-addr': '127.0.0.1:0',
    'health-addr': '127.0.0.1:0',
    'metrics-addr': '127.0.0.1:0',
    'log-level': 'error',
  };
  process.env.AWS_ACCESS_KEY_ID = s3.credentials.accessKeyId;
  process.env.AWS_SECRET_ACCESS_KEY = s3.credentials.secretAccessKey;
  process.env.AWS_REGION = s3.region;
  return await start(
    Object.entries(flags).map(([name, value]) => `--${name}=${value}`),
    { KUBECONFIG: kubeconfig },
  );
}
