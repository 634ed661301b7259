/**
 * What goes wrong around a deployment, and what the operator is told of it: in the relay's log or in the condition. When
 * the cause is gone, everything goes on by itself.
 */
import assert from 'node:assert/strict';
import { rename } from 'node:fs/promises';
import { after, before, beforeEach, describe, test } from 'node:test';
import { IMAGE_REPOSITORY, type ImageRepository } from '../../shared/api/image-repository.ts';
import { findCondition } from '../../shared/kube/conditions.ts';
import { type KubeObject, NAMESPACES, type Resource, SERVICE_ACCOUNTS } from '../../shared/kube/resource.ts';
import { eventually, newest, type Objects, openObjects } from '../e2e/objects.ts';
import type { Refusal } from '../packaged/invoke-endpoint.ts';
import { type Distribution, startDistribution } from '../parts/distribution.ts';
import { needs } from '../parts/parts.ts';
import { pushTags } from '../parts/push-tags.ts';
import { type Deployment, deploy, NAMESPACE, type Pod } from './deployment.ts';

const BINDINGS: Resource = {
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  plural: 'clusterrolebindings',
  kind: 'ClusterRoleBinding',
  namespaced: false,
};
/** Of the chart, for the function that scans: ServiceAccount and binding have its name. */
const IDENTITY = 'longshore-image-repository';

const PARTS = ['kube-apiserver', 'etcd', 'helm', 'registry', 'versitygw'];

describe('faults around a deployment', { ...needs(...PARTS), timeout: 170_000 }, () => {
  let deployment: Deployment;
  let registry: Distribution;
  let pod: Pod;
  let repositories: Objects<ImageRepository>;
  let name: string;
  let count = 0;

  before(async () => {
    registry = await startDistribution();
    deployment = await deploy();
    await deployment.kube.create(NAMESPACES, {}, { metadata: { name: 'apps' } });
    repositories = openObjects(deployment.kube, newest(IMAGE_REPOSITORY), 'apps');
    await pushTags(registry.url, 'apps/web', ['1.0.0']);
    pod = await deployment.startPod();
    await pod.said('leading, epoch 1');
  });
  after(async () => {
    await deployment?.stop();
    await registry?.stop();
  });
  beforeEach(() => {
    name = `o${++count}`;
  });

  const create = () => repositories.create(name, { image: `${registry.host}/apps/web`, insecure: true });

  /** Waits for a line of the relay's log that came after `from` characters of it. */
  async function told(from: number, pattern: RegExp): Promise<void> {
    await eventually(
      () => pattern.test(pod.output().slice(from)),
      () => `not told: ${pattern}\n${pod.output().slice(from)}`,
    );
  }

  /** An object that is removed from the cluster and put back as it was. */
  async function without(
    resource: Resource,
    ref: { namespace?: string; name: string },
    body: () => Promise<void>,
  ) {
    const { kube } = deployment;
    const stored = (await kube.get<KubeObject>(resource, ref))!;
    await kube.delete(resource, ref);
    try {
      await body();
    } finally {
      const { name: ownName, labels, annotations } = stored.metadata;
      const again = { ...stored, metadata: { name: ownName, labels, annotations } };
      await kube.create(resource, { namespace: ref.namespace }, again);
    }
  }

  const REFUSALS: [what: string, refusal: Refusal, line: RegExp][] = [
    [
      'the function is missing',
      {
        status: 404,
        code: 'ResourceNotFoundException',
        message: 'Function not found: longshore-test-image-repository',
      },
      /"level":"error".*function image-repository gave no answer: invoke longshore-test-image-repository: .*not found.*is --lambda-function-prefix right\?/,
    ],
    [
      'the relay may not call it',
      {
        status: 403,
        code: 'AccessDeniedException',
        message: 'User: relay is not authorized to perform: lambda:InvokeFunction',
      },
      /"level":"error".*function image-repository gave no answer: invoke longshore-test-image-repository: .*not authorized to perform: lambda:InvokeFunction/,
    ],
  ];
  for (const [what, refusal, line] of REFUSALS) {
    test(`${what}: a line of the relay, no failure of the object, and on it goes`, async () => {
      const from = pod.output().length;
      const lambda = deployment.functionName('image-repository');
      deployment.functions.refuse(lambda, refusal);
      await create();
      await told(from, line);
      assert.equal((await repositories.read(name)).status?.conditions, undefined);
      deployment.functions.refuse(lambda, undefined);
      await repositories.ready(name);
    });
  }

  test('throttled with Retry-After: the work waits so long, and nothing counts as failed', async () => {
    const from = pod.output().length;
    deployment.functions.throttle(deployment.functionName('image-repository'), 1, 2);
    const since = performance.now();
    await create();
    await repositories.ready(name);
    assert.ok(performance.now() - since >= 2000);
    await told(
      from,
      /"level":"info".*function image-repository is throttled: longshore-test-image-repository has no room/,
    );
    assert.doesNotMatch(pod.output().slice(from), /"level":"error"/);
  });

  test("the function's ServiceAccount is gone: said with its name", async () => {
    // Its token is minted for an hour; the next relay wants one.
    await pod.stop();
    await without(SERVICE_ACCOUNTS, { namespace: NAMESPACE, name: IDENTITY }, async () => {
      pod = await deployment.startPod();
      await pod.said('leading, epoch 2');
      await create();
      await told(
        0,
        /no access to the cluster to hand out: .*serviceaccounts\/token longshore-system\/longshore-image-repository.*not found/,
      );
    });
    await repositories.ready(name);
  });

  test('the function has no rights in the cluster: the relay says which one is missing', async () => {
    const from = pod.output().length;
    await without(BINDINGS, { name: IDENTITY }, async () => {
      await create();
      await told(
        from,
        /User \\"system:serviceaccount:longshore-system:longshore-image-repository\\" cannot get resource/,
      );
      assert.equal((await repositories.read(name)).status?.conditions, undefined);
    });
    await repositories.ready(name);
  });

  test('the bucket is gone: the condition names it, nothing is half-published', async () => {
    const { folder, bucket } = deployment.s3;
    await rename(folder, `${folder}-away`);
    await create();
    const failed = await repositories.until(name, 'failed', ({ status }) =>
      /does not exist|bucket/i.test(findCondition(status?.conditions, 'Ready')?.message ?? ''),
    );
    assert.match(findCondition(failed.status?.conditions, 'Ready')!.message, new RegExp(`'${bucket}'`));
    assert.equal(failed.status?.lastScanResult, undefined);
    await rename(`${folder}-away`, folder);
    await repositories.request(name);
    await repositories.ready(name);
  });
});
