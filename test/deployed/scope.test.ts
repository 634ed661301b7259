/** Some namespaces only: rights in these alone, and everything that needs no more works. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { IMAGE_POLICY, type ImagePolicy } from '../../shared/api/image-policy.ts';
import { IMAGE_REPOSITORY, type ImageRepository } from '../../shared/api/image-repository.ts';
import { OCI_REPOSITORY, type OciRepository } from '../../shared/api/oci-repository.ts';
import { type KubeObject, NAMESPACES, type Resource } from '../../shared/kube/resource.ts';
import { newest, openObjects } from '../e2e/objects.ts';
import { type Distribution, startDistribution } from '../parts/distribution.ts';
import { needs } from '../parts/parts.ts';
import { FLUX_CONTENT, packFiles, pushWithOras } from '../parts/push-artifact.ts';
import { pushTags } from '../parts/push-tags.ts';
import { type Deployment, deploy, type Pod, RELEASE_NAME } from './deployment.ts';

const PARTS = ['kube-apiserver', 'etcd', 'helm', 'registry', 'versitygw', 'oras'];

function rbac(plural: string, kind: string): Resource {
  return { group: 'rbac.authorization.k8s.io', version: 'v1', plural, kind, namespaced: false };
}

describe('the installed chart, for two namespaces', { ...needs(...PARTS), timeout: 120_000 }, () => {
  let deployment: Deployment;
  let registry: Distribution;
  let pod: Pod;

  before(async () => {
    registry = await startDistribution();
    deployment = await deploy({
      async values({ kube }) {
        for (const name of ['team-a', 'team-b', 'others']) {
          await kube.create(NAMESPACES, {}, { metadata: { name, labels: { name } } });
        }
        return { scope: { namespaces: ['team-a', 'team-b'] }, kinds: { quay: { enabled: false } } };
      },
    });
    await pushTags(registry.url, 'apps/web', ['1.0.0', '1.1.0']);
    pod = await deployment.startPod();
    await pod.said('leading, epoch 1');
  });
  after(async () => {
    await deployment?.stop();
    await registry?.stop();
  });

  test('nothing was granted in the whole cluster', async () => {
    for (const resource of [
      rbac('clusterroles', 'ClusterRole'),
      rbac('clusterrolebindings', 'ClusterRoleBinding'),
    ]) {
      const { items } = await deployment.kube.list<KubeObject>(resource);
      const ours = items.filter(({ metadata }) => metadata.name.includes(RELEASE_NAME));
      assert.deepEqual(ours, [], resource.plural);
    }
  });

  test('objects of the two become Ready, a policy across them too; one elsewhere is left alone', async () => {
    const { kube } = deployment;
    const image = { image: `${registry.host}/apps/web`, insecure: true };
    const elsewhere = openObjects<ImageRepository>(kube, newest(IMAGE_REPOSITORY), 'others');
    await elsewhere.create('web', image);
    const repositories = openObjects<ImageRepository>(kube, newest(IMAGE_REPOSITORY), 'team-a');
    await repositories.create('web', {
      ...image,
      accessFrom: { namespaceSelectors: [{ matchLabels: { name: 'team-b' } }] },
    });
    await repositories.ready('web');
    const policies = openObjects<ImagePolicy>(kube, newest(IMAGE_POLICY), 'team-b');
    const imageRepositoryRef = { name: 'web', namespace: 'team-a' };
    const policy = { semver: { range: '1.x' } };
    await policies.create('web', { imageRepositoryRef, policy, interval: undefined });
    assert.equal((await policies.ready('web')).status?.latestRef?.tag, '1.1.0');

    const layers = [{ mediaType: FLUX_CONTENT, body: await packFiles({ 'app.yaml': 'kind: App\n' }) }];
    await pushWithOras({ repository: `${registry.host}/apps/manifests`, tag: '1.0.0', layers });
    const artifacts = openObjects<OciRepository>(kube, newest(OCI_REPOSITORY), 'team-b');
    const url = `oci://${registry.host}/apps/manifests`;
    await artifacts.create('manifests', { url, insecure: true, ref: { tag: '1.0.0' } });
    await artifacts.ready('manifests');
    assert.equal((await elsewhere.read('web')).status?.conditions, undefined);
  });

  test('what the relay may not watch is told once, and is no error', () => {
    const denied = pod
      .output()
      .split('\n')
      .filter((line) => line.includes('forbidden'));
    assert.equal(denied.length, 1, denied.join('\n'));
    assert.match(denied[0]!, /"level":"info".*Namespace: not watched: /);
  });
});
