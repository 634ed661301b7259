/** Functions reach an EKS cluster with their own role: nothing secret is sent to them, and the groups of the chart decide. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { IMAGE_POLICY, type ImagePolicy } from '../../shared/api/image-policy.ts';
import { IMAGE_REPOSITORY, type ImageRepository } from '../../shared/api/image-repository.ts';
import { NAMESPACES } from '../../shared/kube/resource.ts';
import { eventually, newest, openObjects } from '../e2e/objects.ts';
import { type Distribution, startDistribution } from '../parts/distribution.ts';
import { needs } from '../parts/parts.ts';
import { pushTags } from '../parts/push-tags.ts';
import { type Deployment, deploy, type Pod } from './deployment.ts';
import { type EksDoor, openEksDoor } from './eks.ts';

const PARTS = ['kube-apiserver', 'etcd', 'helm', 'registry', 'versitygw'];

describe('the installed chart on EKS', { ...needs(...PARTS), timeout: 120_000 }, () => {
  let deployment: Deployment;
  let registry: Distribution;
  let door: EksDoor;
  let folder: string;
  let pod: Pod;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'longshore-eks-'));
    registry = await startDistribution();
    deployment = await deploy({
      async values({ cluster, credentials }) {
        const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION } = credentials;
        const identity = {
          accessKeyId: AWS_ACCESS_KEY_ID,
          secretAccessKey: AWS_SECRET_ACCESS_KEY,
          region: AWS_REGION,
        };
        const groups = ['longshore:image-repository', 'longshore:image-policy'];
        door = await openEksDoor({ identity, cluster: 'main', groups }, cluster.endpoint);
        await writeFile(join(folder, 'ca.pem'), door.ca);
        return {
          cluster: { apiServer: door.server, eksName: 'main' },
          kinds: { source: { enabled: false }, quay: { enabled: false } },
          settings: { 'functions-api-ca-file': join(folder, 'ca.pem') },
        };
      },
    });
    pod = await deployment.startPod();
    await pod.said('leading, epoch 1');
  });
  after(async () => {
    await deployment?.stop();
    door?.close();
    await registry?.stop();
    await rm(folder, { recursive: true });
  });

  test('a scan and a policy, with tokens that the functions sign themselves', async () => {
    const { kube } = deployment;
    await kube.create(NAMESPACES, {}, { metadata: { name: 'apps' } });
    await pushTags(registry.url, 'apps/web', ['1.0.0', '1.1.0']);
    const image = `${registry.host}/apps/web`;
    const repositories = openObjects<ImageRepository>(kube, newest(IMAGE_REPOSITORY), 'apps');
    await repositories.create('web', { image, insecure: true });
    await repositories.ready('web');
    const policies = openObjects<ImagePolicy>(kube, newest(IMAGE_POLICY), 'apps');
    const policy = { semver: { range: '1.x' } };
    await policies.create('web', { imageRepositoryRef: { name: 'web' }, policy, interval: undefined });
    assert.equal((await policies.ready('web')).status?.latestRef?.tag, '1.1.0');
    await repositories.remove('web');
    await repositories.gone('web');
    assert.ok(door.admitted > 0);
    assert.equal(door.refused, 0);
  });

  test('a batch holds the name of the cluster, and nothing that lets anybody in', () => {
    const { invocations } = deployment.functions;
    assert.ok(invocations.length > 0);
    for (const { event } of invocations) {
      const { access } = JSON.parse(event) as { access: object };
      assert.deepEqual(access, { provider: 'eks', server: door.server, caData: door.ca, cluster: 'main' });
      assert.doesNotMatch(event, /k8s-aws-v1|eyJ|Bearer|AKIA/);
    }
    assert.doesNotMatch(deployment.logs(), /k8s-aws-v1|X-Amz-Signature|forbidden/);
  });

  test('without an access entry: a line of the relay, no failure of the object, and on it goes', async () => {
    const repositories = openObjects<ImageRepository>(deployment.kube, newest(IMAGE_REPOSITORY), 'apps');
    door.setEntry(false);
    await repositories.create('later', { image: `${registry.host}/apps/web`, insecure: true });
    await eventually(
      () => /"level":"error".*Unauthorized.*"name":"later"|"name":"later".*Unauthorized/.test(pod.output()),
      pod.output,
    );
    assert.equal((await repositories.read('later')).status?.conditions, undefined);
    door.setEntry(true);
    await repositories.ready('later');
  });
});
