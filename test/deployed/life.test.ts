/** Every kind through its life with the rights that the chart gives, and no others. A missing right fails here. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { IMAGE_POLICY } from '../../shared/api/image-policy.ts';
import { IMAGE_REPOSITORY } from '../../shared/api/image-repository.ts';
import { findCondition } from '../../shared/kube/conditions.ts';
import {
  apiVersionOf,
  type Condition,
  type KubeObject,
  NAMESPACES,
  REQUEST_ANNOTATION,
  type ReconcileStatus,
  type Resource,
  SECRETS,
} from '../../shared/kube/resource.ts';
import { type Distribution, startDistribution } from '../parts/distribution.ts';
import { needs } from '../parts/parts.ts';
import { pushTags } from '../parts/push-tags.ts';
import { type Deployment, deploy, type Pod } from './deployment.ts';

const PATIENCE_MS = 30_000;

type Ours = KubeObject<Record<string, unknown>, ReconcileStatus & Record<string, unknown>>;

function resourceOf(kind: {
  group: string;
  kind: string;
  plural: string;
  versions: readonly string[];
}): Resource {
  return {
    group: kind.group,
    kind: kind.kind,
    plural: kind.plural,
    version: kind.versions[0]!,
    namespaced: true,
  };
}

const REPOSITORIES = resourceOf(IMAGE_REPOSITORY);
const POLICIES = resourceOf(IMAGE_POLICY);

describe('the installed chart', needs('kube-apiserver', 'etcd', 'helm', 'registry', 'versitygw'), () => {
  let deployment: Deployment;
  let registry: Distribution;
  let pod: Pod;

  before(async () => {
    [deployment, registry] = await Promise.all([deploy(), startDistribution()]);
    for (const name of ['apps', 'other']) {
      await deployment.kube.create(NAMESPACES, {}, { metadata: { name, labels: { team: name } } });
    }
    pod = await deployment.startPod();
    await pod.said('leading, epoch 1');
  });
  after(async () => {
    await deployment?.stop();
    await registry?.stop();
  });

  async function until(
    resource: Resource,
    namespace: string,
    name: string,
    holds: (object: Ours | undefined) => boolean,
  ) {
    const end = performance.now() + PATIENCE_MS;
    for (;;) {
      const object = await deployment.kube.get<Ours>(resource, { namespace, name });
      if (holds(object)) return object!;
      assert.ok(
        performance.now() < end,
        `${resource.kind} ${name}: ${JSON.stringify(object?.status)}\n${deployment.logs()}`,
      );
      await pause(25);
    }
  }

  function readyOf(object: Ours | undefined): Condition | undefined {
    return findCondition(object?.status?.conditions, 'Ready');
  }

  /** Ready for its own generation and its last request. */
  function isReady(object: Ours | undefined): boolean {
    const asked = object?.metadata.annotations?.[REQUEST_ANNOTATION];
    return (
      readyOf(object)?.status === 'True' &&
      object!.status?.observedGeneration === object!.metadata.generation &&
      (asked === undefined || object!.status?.lastHandledReconcileAt === asked)
    );
  }

  async function create(resource: Resource, namespace: string, name: string, spec: object): Promise<void> {
    const body = { apiVersion: apiVersionOf(resource), kind: resource.kind, metadata: { name }, spec };
    await deployment.kube.create(resource, { namespace }, body);
  }

  /** Asked for, edited, suspended, deleted: what every kind goes through once it is Ready. */
  async function liveAndDie(resource: Resource, namespace: string, name: string): Promise<void> {
    const { kube } = deployment;
    const ref = { namespace, name };
    await kube.patch(resource, ref, { metadata: { annotations: { [REQUEST_ANNOTATION]: 'now' } } });
    await until(resource, namespace, name, isReady);
    await kube.patch(resource, ref, { spec: { suspend: true } });
    await kube.patch(resource, ref, { spec: { suspend: false } });
    await until(resource, namespace, name, isReady);
    await kube.delete(resource, ref);
    await until(resource, namespace, name, (object) => object === undefined);
  }

  test('the pod is ready, and its metrics say that it leads', async () => {
    while ((await fetch(`${pod.healthUrl}/readyz`)).status !== 200) await pause(25);
    const metrics = await (await fetch(pod.metricsUrl)).text();
    assert.match(metrics, /^leader_election_master_status\{name="longshore-relay"\} 1$/m);
  });

  test('ImageRepository: with a pull Secret, through a service account, to its deletion', async () => {
    await pushTags(registry.url, 'apps/web', ['1.0.0', '1.1.0']);
    const { kube } = deployment;
    const auth = Buffer.from('robot:of-nobody').toString('base64');
    await kube.create(
      SECRETS,
      { namespace: 'apps' },
      {
        metadata: { name: 'pull' },
        type: 'kubernetes.io/dockerconfigjson',
        stringData: { '.dockerconfigjson': JSON.stringify({ auths: { [registry.host]: { auth } } }) },
      },
    );
    await kube.create(
      { ...SECRETS, plural: 'serviceaccounts', kind: 'ServiceAccount' },
      { namespace: 'apps' },
      { metadata: { name: 'puller' }, imagePullSecrets: [{ name: 'pull' }] },
    );
    const spec = { image: `${registry.host}/apps/web`, interval: '1h', insecure: true };
    await create(REPOSITORIES, 'apps', 'by-secret', { ...spec, secretRef: { name: 'pull' } });
    await create(REPOSITORIES, 'apps', 'by-account', { ...spec, serviceAccountName: 'puller' });
    for (const name of ['by-secret', 'by-account']) {
      await until(REPOSITORIES, 'apps', name, isReady);
      await liveAndDie(REPOSITORIES, 'apps', name);
    }
  });

  test('ImagePolicy: of its own namespace, and of another one by an access list', async () => {
    await pushTags(registry.url, 'apps/api', ['1.0.0', '1.1.0']);
    await create(REPOSITORIES, 'apps', 'api', {
      image: `${registry.host}/apps/api`,
      interval: '1h',
      insecure: true,
      accessFrom: { namespaceSelectors: [{ matchLabels: { team: 'other' } }] },
    });
    const policy = { semver: { range: '1.x' } };
    await create(POLICIES, 'apps', 'near', { imageRepositoryRef: { name: 'api' }, policy });
    await create(POLICIES, 'other', 'far', {
      imageRepositoryRef: { name: 'api', namespace: 'apps' },
      policy,
    });
    for (const [namespace, name] of [
      ['apps', 'near'],
      ['other', 'far'],
    ] as const) {
      const object = await until(POLICIES, namespace, name, isReady);
      assert.equal((object.status?.latestRef as { tag?: string } | undefined)?.tag, '1.1.0');
      await liveAndDie(POLICIES, namespace, name);
    }
  });

  test('no right was missing', () => {
    assert.doesNotMatch(deployment.logs(), /forbidden|Forbidden/);
  });
});
