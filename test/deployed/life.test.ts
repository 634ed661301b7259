/** Every kind through its life with the rights that the chart gives, and no others. A missing right fails here. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { LOCAL_ORGANIZATION, type LocalQuay, startQuay } from '../../infra/local/quay/quay.ts';
import { RELAY_KINDS } from '../../infra/relay/kinds.ts';
import { COMPONENT, COMPONENT_ANNOTATION, type Component } from '../../shared/api/component.ts';
import { IMAGE_POLICY, type ImagePolicy } from '../../shared/api/image-policy.ts';
import { IMAGE_REPOSITORY, type ImageRepository } from '../../shared/api/image-repository.ts';
import type { KindNames } from '../../shared/api/kind.ts';
import { OCI_REPOSITORY, type OciRepository } from '../../shared/api/oci-repository.ts';
import {
  APPLICATION_LABEL,
  COMPONENT_LABEL,
  QUAY_ANNOTATION,
  QUAY_IMAGE_REPOSITORY,
  type QuayImageRepository,
} from '../../shared/api/quay-image-repository.ts';
import { NAMESPACES, SECRETS, SERVICE_ACCOUNTS } from '../../shared/kube/resource.ts';
import { eventually, newest, type Objects, openObjects, type Reconciled } from '../e2e/objects.ts';
import { type Distribution, startDistribution } from '../parts/distribution.ts';
import { download } from '../parts/download.ts';
import { needs } from '../parts/parts.ts';
import { FLUX_CONTENT, packFiles, pushWithOras } from '../parts/push-artifact.ts';
import { pushTags } from '../parts/push-tags.ts';
import { ensureToken } from '../quay/quay-world.ts';
import { type Deployment, deploy, type Pod } from './deployment.ts';

const PARTS = ['kube-apiserver', 'etcd', 'helm', 'registry', 'versitygw', 'oras'];

describe('the installed chart', { ...needs(...PARTS), timeout: 170_000 }, () => {
  let deployment: Deployment;
  let registry: Distribution;
  let quay: LocalQuay;
  let pod: Pod;

  before(async () => {
    [registry, quay] = await Promise.all([startDistribution(), startQuay({ port: 0 })]);
    deployment = await deploy({
      environment: {
        QUAY_API_URL: quay.apiUrl,
        QUAY_ORG: LOCAL_ORGANIZATION,
        QUAY_REQUESTS_PER_SECOND: '50',
      },
    });
    for (const name of ['apps', 'other']) {
      await deployment.kube.create(NAMESPACES, {}, { metadata: { name, labels: { team: name } } });
    }
    await ensureToken(deployment.kube);
    pod = await deployment.startPod();
    await pod.said('leading, epoch 1');
  });
  after(async () => {
    await deployment?.stop();
    await registry?.stop();
    await quay?.close();
  });

  const objectsOf = <O extends Reconciled>(kind: KindNames, namespace = 'apps') =>
    openObjects<O>(deployment.kube, newest(kind), namespace);

  /** Asked for, suspended, resumed, deleted: what every object goes through once it is Ready. */
  async function liveAndDie<O extends Reconciled & { spec?: { suspend?: boolean } }>(
    objects: Objects<O>,
    name: string,
  ): Promise<void> {
    await objects.request(name);
    await objects.ready(name);
    await objects.edit(name, { suspend: true } as Partial<O['spec']>);
    await objects.edit(name, { suspend: false } as Partial<O['spec']>);
    await objects.ready(name);
    await objects.remove(name);
    await objects.gone(name);
  }

  test('the pod is ready, and its metrics say that it leads', async () => {
    await eventually(async () => (await fetch(`${pod.healthUrl}/readyz`)).status === 200, pod.output);
    const metrics = await (await fetch(pod.metricsUrl)).text();
    assert.match(metrics, /^leader_election_master_status\{name="longshore-relay"\} 1$/m);
  });

  test('ImageRepository: with a pull Secret, and through a service account', async () => {
    await pushTags(registry.url, 'apps/web', ['1.0.0', '1.1.0']);
    const { kube } = deployment;
    const auth = Buffer.from('robot:of-nobody').toString('base64');
    const secret = {
      metadata: { name: 'pull' },
      type: 'kubernetes.io/dockerconfigjson',
      stringData: { '.dockerconfigjson': JSON.stringify({ auths: { [registry.host]: { auth } } }) },
    };
    await kube.create(SECRETS, { namespace: 'apps' }, secret);
    const account = { metadata: { name: 'puller' }, imagePullSecrets: [{ name: 'pull' }] };
    await kube.create(SERVICE_ACCOUNTS, { namespace: 'apps' }, account);
    const repositories = objectsOf<ImageRepository>(IMAGE_REPOSITORY);
    const image = { image: `${registry.host}/apps/web`, insecure: true };
    await repositories.create('by-secret', { ...image, secretRef: { name: 'pull' } });
    await repositories.create('by-account', { ...image, serviceAccountName: 'puller' });
    for (const name of ['by-secret', 'by-account']) {
      await repositories.ready(name);
      await liveAndDie(repositories, name);
    }
  });

  test('ImagePolicy: of its own namespace, and of another one by an access list', async () => {
    await pushTags(registry.url, 'apps/api', ['1.0.0', '1.1.0']);
    await objectsOf<ImageRepository>(IMAGE_REPOSITORY).create('api', {
      image: `${registry.host}/apps/api`,
      insecure: true,
      accessFrom: { namespaceSelectors: [{ matchLabels: { team: 'other' } }] },
    });
    const imageRepositoryRef = { name: 'api', namespace: 'apps' };
    for (const namespace of ['apps', 'other']) {
      const policies = objectsOf<ImagePolicy>(IMAGE_POLICY, namespace);
      const policy = { semver: { range: '1.x' } };
      await policies.create('newest', { imageRepositoryRef, policy, interval: undefined });
      const { status } = await policies.ready('newest');
      assert.equal(status?.latestRef?.tag, '1.1.0');
      await liveAndDie(policies, 'newest');
    }
  });

  test('OCIRepository: its artifact comes from the relay', async () => {
    const body = await packFiles({ 'app.yaml': 'kind: App\n' });
    const layers = [{ mediaType: FLUX_CONTENT, body }];
    await pushWithOras({ repository: `${registry.host}/apps/manifests`, tag: '1.0.0', layers });
    const repositories = objectsOf<OciRepository>(OCI_REPOSITORY);
    await repositories.create('manifests', {
      url: `oci://${registry.host}/apps/manifests`,
      insecure: true,
      ref: { tag: '1.0.0' },
    });
    const { status } = await repositories.ready('manifests');
    const { url, digest } = status!.artifact!;
    const base = 'http://source-controller.longshore-system.svc.cluster.local.';
    assert.ok(url.startsWith(`${base}/ocirepository/apps/manifests/`), url);
    const file = await download(url.replace(base, pod.artifactUrl));
    assert.deepEqual([file.status, file.digest], [200, digest]);
    await liveAndDie(repositories, 'manifests');
    assert.equal((await download(url.replace(base, pod.artifactUrl))).status, 404);
  });

  test('ImageRepository of Quay: of a Component, with Secrets that are linked, and by annotation', async () => {
    const { kube } = deployment;
    await kube.create(SERVICE_ACCOUNTS, { namespace: 'apps' }, { metadata: { name: 'appstudio-pipeline' } });
    const component = (name: string, annotations: Record<string, string> = {}) =>
      kube.create(
        newest(COMPONENT),
        { namespace: 'apps' },
        {
          apiVersion: `${COMPONENT.group}/${COMPONENT.versions[0]}`,
          kind: COMPONENT.kind,
          metadata: { name, annotations },
          spec: { application: 'my-app', componentName: name },
        },
      );
    const repositories = objectsOf<QuayImageRepository & Reconciled>(QUAY_IMAGE_REPOSITORY);
    await component('shop');
    const labels = { [COMPONENT_LABEL]: 'shop', [APPLICATION_LABEL]: 'my-app' };
    const annotations = { [QUAY_ANNOTATION.updateComponentImage]: 'true' };
    await repositories.create('shop', {}, { labels, annotations });
    await repositories.ready('shop');
    await repositories.edit('shop', { credentials: { 'regenerate-token': true, 'verify-linking': true } });
    await repositories.until(
      'shop',
      'rotated and linked',
      ({ spec }) => Object.keys(spec?.credentials ?? { waits: true }).length === 0,
    );
    await repositories.remove('shop');
    await repositories.gone('shop');

    const components = objectsOf<Component & Reconciled>(COMPONENT);
    await component('billing', { [COMPONENT_ANNOTATION.generate]: '{"visibility": "private"}' });
    const isAnswered = ({ metadata }: Component) =>
      COMPONENT_ANNOTATION.image in (metadata.annotations ?? {});
    await components.until('billing', 'answered', isAnswered);
    await components.remove('billing');
    await components.gone('billing');
  });

  test('every function has worked, no right was missing, and no secret was written', () => {
    const called = new Set(deployment.functions.invocations.map(({ name }) => name));
    for (const { functionName } of RELAY_KINDS) {
      assert.ok(called.has(deployment.functionName(functionName)), functionName);
    }
    assert.doesNotMatch(deployment.logs(), /forbidden|Forbidden|of-nobody|testtesttest|eyJ[\w-]{20}/);
  });
});
