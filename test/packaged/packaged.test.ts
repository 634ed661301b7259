/** What is deployed, run as it would be: the zips of `npm run package` behind the Invoke API. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { type ApiServer, startApiServer } from '../../infra/local/api-server/api-server.ts';
import { IMAGE_POLICY, type ImagePolicy, type ImagePolicySpec } from '../../shared/api/image-policy.ts';
import {
  IMAGE_REPOSITORY,
  type ImageRepository,
  type ImageRepositorySpec,
} from '../../shared/api/image-repository.ts';
import type { KubeClient } from '../../shared/kube/client.ts';
import { findCondition } from '../../shared/kube/conditions.ts';
import { apiVersionOf, type Condition, type Resource, SECRETS } from '../../shared/kube/resource.ts';
import { createKubeClient } from '../../shared/kube/rest-client.ts';
import { createTransport, type KubeTransport } from '../../shared/kube/transport.ts';
import { silentLogger } from '../../shared/runtime/logger.ts';
import type { ObjectStore } from '../../shared/storage/object-store.ts';
import { createS3Store } from '../../shared/storage/s3.ts';
import { readTagRecord, tagRecordKey } from '../../shared/storage/tag-record.ts';
import { useApiServer } from '../parts/api-server.ts';
import { type Distribution, startDistribution } from '../parts/distribution.ts';
import { needs } from '../parts/parts.ts';
import { pushTags } from '../parts/push-tags.ts';
import { type S3Server, startVersitygw } from '../parts/versitygw.ts';
import { type Chain, CLUSTER_ID, startChain } from './chain.ts';

const REPOSITORIES: Resource = {
  group: IMAGE_REPOSITORY.group,
  version: IMAGE_REPOSITORY.versions[0]!,
  plural: IMAGE_REPOSITORY.plural,
  kind: IMAGE_REPOSITORY.kind,
  namespaced: true,
};

/** Longer than anything here takes: a test that waits for it has failed. */
const PATIENCE_MS = 20_000;

/** Asks until `check` is content with the answer. */
async function until<T>(what: string, ask: () => T | Promise<T>, check: (answer: T) => unknown): Promise<T> {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const answer = await ask();
    if (check(answer)) return answer;
    if (Date.now() > end) assert.fail(`still not ${what}: ${JSON.stringify(answer)}`);
    await pause(25);
  }
}

function ready(object: ImageRepository | undefined): Condition | undefined {
  return findCondition(object?.status?.conditions, 'Ready');
}

const isReady = (object: ImageRepository | undefined) => ready(object)?.status === 'True';

/** Creates an object, and answers how to read it. */
async function apply(kube: KubeClient, namespace: string, name: string, spec: Partial<ImageRepositorySpec>) {
  await kube.create(
    REPOSITORIES,
    { namespace },
    {
      apiVersion: apiVersionOf(REPOSITORIES),
      kind: REPOSITORIES.kind,
      metadata: { name },
      spec: { interval: '1h', ...spec },
    },
  );
  return () => kube.get<ImageRepository>(REPOSITORIES, { namespace, name });
}

describe('packaged, whole chain', needs('kube-apiserver', 'etcd', 'registry', 'versitygw'), () => {
  const cluster = useApiServer();
  let registry: Distribution;
  let s3: S3Server;
  let store: ObjectStore;
  let chain: Chain;

  before(async () => {
    [registry, s3] = await Promise.all([startDistribution(), startVersitygw()]);
    store = createS3Store(s3);
    chain = await startChain({ cluster, storage: s3, rbac: true });
  });

  after(async () => {
    await chain?.stop();
    await Promise.all([registry?.stop(), s3?.stop()]);
  });

  async function storedTags(name: string, object: ImageRepository | undefined) {
    const key = { cluster: CLUSTER_ID, namespace: chain.namespace, name };
    const reader = { uid: object!.metadata.uid, log: silentLogger };
    return (await readTagRecord(store, key, reader))?.tags;
  }

  test('an object becomes Ready, its tags are in the bucket; a pushed tag is found in the warm container', async () => {
    await pushTags(registry.url, 'chain/app', ['1.0.0', '1.0.1', 'latest']);
    const image = `${registry.host}/chain/app`;
    const read = await apply(cluster.kube, chain.namespace, 'app', { image, insecure: true });
    const first = await until('Ready', read, isReady);
    assert.equal(first?.status?.canonicalImageName, image);
    assert.equal(first?.status?.lastScanResult?.tagCount, 3);
    assert.deepEqual((await storedTags('app', first))?.toSorted(), ['1.0.0', '1.0.1', 'latest']);

    await pushTags(registry.url, 'chain/app', ['1.1.0']);
    const requestedAt = new Date().toISOString();
    const app = { namespace: chain.namespace, name: 'app' };
    await cluster.kube.patch(REPOSITORIES, app, {
      metadata: { annotations: { 'reconcile.fluxcd.io/requestedAt': requestedAt } },
    });
    const second = await until(
      'scanned again',
      read,
      (object) => object?.status?.lastHandledReconcileAt === requestedAt,
    );
    assert.equal(second?.status?.lastScanResult?.tagCount, 4);
    assert.equal((await storedTags('app', second))?.length, 4);
    const answered = () => chain.endpoint.invocations.filter(({ event }) => event.includes('"name":"app"'));
    const runs = await until('answered twice', answered, ({ length }) => length === 2);
    assert.deepEqual(
      runs.map(({ coldStart }) => coldStart),
      [true, false],
    );
  });

  test('a policy chooses from the stored tags, with the digest of the registry, and follows a pushed tag', async () => {
    await pushTags(registry.url, 'chain/chosen', ['1.0.0', '1.1.0', 'latest']);
    const image = `${registry.host}/chain/chosen`;
    const { namespace } = chain;
    const read = await apply(cluster.kube, namespace, 'chosen', { image, insecure: true });
    const { group, plural, kind } = IMAGE_POLICY;
    const policies: Resource = { group, plural, kind, version: 'v1', namespaced: true };
    const spec: ImagePolicySpec = {
      imageRepositoryRef: { name: 'chosen' },
      policy: { semver: { range: '1.x' } },
      digestReflectionPolicy: 'IfNotPresent',
    };
    const apiVersion = apiVersionOf(policies);
    const policy = { apiVersion, kind, metadata: { name: 'newest' }, spec };
    await cluster.kube.create(policies, { namespace }, policy);
    await until('Ready', read, isReady);
    const choice = () => cluster.kube.get<ImagePolicy>(policies, { namespace, name: 'newest' });
    const latest = (object: ImagePolicy | undefined) => object?.status?.latestRef;
    const first = await until('chosen', choice, (object) => latest(object)?.tag === '1.1.0');
    assert.match(latest(first)?.digest ?? '', /^sha256:[0-9a-f]{64}$/);

    await pushTags(registry.url, 'chain/chosen', ['1.2.0']);
    await cluster.kube.patch(
      REPOSITORIES,
      { namespace, name: 'chosen' },
      { metadata: { annotations: { 'reconcile.fluxcd.io/requestedAt': 'pushed' } } },
    );
    await until('chosen anew', choice, (object) => latest(object)?.tag === '1.2.0');
    const ran = chain.endpoint.invocations.filter(({ event }) => event.includes('"kind":"ImagePolicy"'));
    assert.ok(ran.length > 0 && ran.every(({ name }) => name.endsWith('image-policy')));
  });

  test('a throttled call comes again after its Retry-After', async () => {
    await pushTags(registry.url, 'chain/throttled', ['1']);
    chain.endpoint.throttle(chain.functionName, 1, 1);
    const image = `${registry.host}/chain/throttled`;
    const read = await apply(cluster.kube, chain.namespace, 'throttled', { image, insecure: true });
    await until('Ready', read, isReady);
  });

  test('a Secret stays in the cluster, and the access token out of every log', async () => {
    const canary = `canary-${randomUUID()}`;
    const { kube } = cluster;
    const { namespace } = chain;
    const auth = { [registry.host]: { username: 'robot', password: canary } };
    await kube.create(
      SECRETS,
      { namespace },
      {
        metadata: { name: 'pull' },
        type: 'kubernetes.io/dockerconfigjson',
        data: {
          '.dockerconfigjson': Buffer.from(JSON.stringify({ auths: auth })).toString('base64'),
        },
      },
    );
    const read = await apply(kube, namespace, 'secret', {
      image: `${registry.host}/chain/nothing-here`,
      insecure: true,
      secretRef: { name: 'pull' },
    });
    const failed = await until('failed', read, (object) => ready(object)?.status === 'False');
    assert.equal(ready(failed)?.reason, 'ReadOperationFailed');
    const traces = JSON.stringify([
      failed,
      chain.endpoint.invocations,
      chain.endpoint.output(chain.functionName),
      chain.relayLog,
    ]);
    for (const secret of [canary, Buffer.from(`robot:${canary}`).toString('base64')]) {
      assert.ok(!traces.includes(secret), 'the Secret was found outside the cluster');
    }
    const { access } = JSON.parse(chain.endpoint.invocations.at(-1)!.event) as { access: { token: string } };
    const logs = chain.relayLog.join('') + chain.endpoint.output(chain.functionName);
    assert.ok(access.token.length > 100 && !logs.includes(access.token), 'the access token was logged');
  });

  test('a deleted object takes its record along', async () => {
    await pushTags(registry.url, 'chain/short', ['1']);
    const image = `${registry.host}/chain/short`;
    const read = await apply(cluster.kube, chain.namespace, 'short', { image, insecure: true });
    await until('Ready', read, isReady);
    const short = { namespace: chain.namespace, name: 'short' };
    const key = tagRecordKey({ cluster: CLUSTER_ID, ...short });
    assert.ok(await store.head(key));
    await cluster.kube.delete(REPOSITORIES, short);
    await until('gone', read, (object) => object === undefined);
    assert.equal(await store.head(key), undefined);
  });
});

describe('packaged, with the embedded control plane and nothing else', () => {
  let folder: string;
  let server: ApiServer;
  let transport: KubeTransport;
  let kube: KubeClient;
  let chain: Chain;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'longshore-embedded-'));
    server = await startApiServer({ port: 0, dataFolder: folder });
    transport = createTransport(server.endpoint);
    kube = createKubeClient(transport);
    const cluster = { endpoint: server.endpoint, transport, kube };
    // Nobody listens on the discard port: a store that cannot be reached.
    const storage = { bucket: 'longshore', endpoint: 'http://127.0.0.1:9' };
    chain = await startChain({ cluster, storage, rbac: false });
  });

  after(async () => {
    await chain?.stop();
    transport?.close();
    await server?.close();
    await rm(folder, { recursive: true });
  });

  test('what only a change can repair is stalled', async () => {
    const image = 'https://registry.example/app';
    const read = await apply(kube, chain.namespace, 'wrong', { image });
    const object = await until('stalled', read, (seen) => ready(seen)?.status === 'False');
    assert.equal(ready(object)?.reason, 'ImageURLInvalid');
    assert.equal(findCondition(object?.status?.conditions, 'Stalled')?.status, 'True');
  });

  test('a store that cannot be reached is said, and tried again', async () => {
    const read = await apply(kube, chain.namespace, 'no-store', { image: 'registry.example/app' });
    const object = await until('failed', read, (seen) => ready(seen)?.status === 'False');
    assert.match(ready(object)!.message, /bucket 'longshore'|127\.0\.0\.1:9/);
    const attempts = () => chain.endpoint.invocations.filter(({ event }) => event.includes('"no-store"'));
    await until('tried again', attempts, ({ length }) => length > 1);
  });
});
