/** The Quay functions as they are deployed: packaged, called through the Invoke endpoint, with a ServiceAccount's rights. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  LOCAL_TOKEN,
  type LocalQuay,
  LOCAL_ORGANIZATION as ORG,
  startQuay,
} from '../../infra/local/quay/quay.ts';
import { COMPONENT, COMPONENT_ANNOTATION, type Component } from '../../shared/api/component.ts';
import {
  APPLICATION_LABEL,
  COMPONENT_LABEL,
  QUAY_ANNOTATION,
  QUAY_IMAGE_REPOSITORY,
  type QuayImageRepository,
} from '../../shared/api/quay-image-repository.ts';
import { SECRETS, SERVICE_ACCOUNTS, type Secret, type ServiceAccount } from '../../shared/kube/resource.ts';
import { newest, openObjects, type Reconciled } from '../e2e/objects.ts';
import { type ApiServerInUse, useApiServer } from '../parts/api-server.ts';
import { startEmbedded } from '../parts/api-servers.ts';
import { needs } from '../parts/parts.ts';
import { ensureToken } from '../quay/quay-world.ts';
import { type Chain, startChain } from './chain.ts';

type Repository = QuayImageRepository & Reconciled;

const LINK = { [COMPONENT_LABEL]: 'my-component', [APPLICATION_LABEL]: 'my-app' };

function define(api: ApiServerInUse, rbac: boolean): void {
  let quay: LocalQuay;
  let chain: Chain;

  before(async () => {
    quay = await startQuay({ port: 0 });
    await ensureToken(api.kube);
    chain = await startChain({
      cluster: { endpoint: api.endpoint, transport: api.transport, kube: api.kube },
      storage: { bucket: 'longshore', endpoint: 'http://127.0.0.1:9' },
      environment: { QUAY_API_URL: quay.apiUrl, QUAY_ORG: ORG, QUAY_REQUESTS_PER_SECOND: '50' },
      rbac,
    });
  });
  after(async () => {
    await chain?.stop();
    await quay?.close();
  });

  /** Tokens that Quay has made. */
  const tokens = new Set([LOCAL_TOKEN]);
  const remember = () => {
    for (const { token } of Object.values(org().robots)) tokens.add(token);
  };
  const org = () => quay.state.organizations[ORG]!;
  const repositories = () =>
    openObjects<Repository>(api.kube, newest(QUAY_IMAGE_REPOSITORY), chain.namespace);
  const component = (name: string, annotations: Record<string, string> = {}) => {
    const apiVersion = `${COMPONENT.group}/${COMPONENT.versions[0]}`;
    const spec = { application: 'my-app', componentName: name };
    const body = { apiVersion, kind: COMPONENT.kind, metadata: { name, annotations }, spec };
    return api.kube.create(newest(COMPONENT), { namespace: chain.namespace }, body);
  };

  test('a repository for a Component, from the request to its end', async () => {
    const { kube } = api;
    const { namespace } = chain;
    await kube.create(SERVICE_ACCOUNTS, { namespace }, { metadata: { name: 'appstudio-pipeline' } });
    const objects = repositories();
    const annotations = { [QUAY_ANNOTATION.updateComponentImage]: 'true' };
    await objects.create('sample', {}, { labels: LINK, annotations });
    await objects.until('sample', 'waiting', ({ status }) => Boolean(status?.message));
    await component('my-component');
    const { status } = await objects.ready('sample');
    const url = `${quay.host}/${ORG}/${namespace}/my-app/my-component`;
    assert.equal(status?.image?.url, url);
    assert.equal(Object.keys(org().robots).length, 2);
    remember();
    const secret = await kube.get<Secret>(SECRETS, { namespace, name: 'sample-image-pull' });
    assert.equal(secret?.type, 'kubernetes.io/dockerconfigjson');
    const seen = await objects.until(
      'sample',
      'without annotation',
      ({ metadata }) => !metadata.annotations?.[QUAY_ANNOTATION.updateComponentImage],
    );
    assert.equal(seen.status?.state, 'ready');
    const pipeline = await kube.get<ServiceAccount>(SERVICE_ACCOUNTS, {
      namespace,
      name: 'appstudio-pipeline',
    });
    assert.deepEqual(pipeline?.secrets, [{ name: 'sample-image-push' }]);
    const stored = await kube.get<Component>(newest(COMPONENT), { namespace, name: 'my-component' });
    assert.equal(stored?.spec?.containerImage, url);

    await objects.edit('sample', { credentials: { 'regenerate-token': true, 'verify-linking': true } });
    await objects.until(
      'sample',
      'rotated',
      ({ spec, status: after }) =>
        Object.keys(spec?.credentials ?? { wait: 1 }).length === 0 &&
        after?.credentials?.generationTimestamp !== status?.credentials?.generationTimestamp,
    );
    remember();
    await objects.remove('sample');
    await objects.gone('sample');
    assert.deepEqual([org().repositories, org().robots], [{}, {}]);
  });

  test('a Component that asks by its annotation', async () => {
    const { generate, image } = COMPONENT_ANNOTATION;
    await component('billing', { [generate]: '{"visibility": "private"}' });
    const components = openObjects<Component & Reconciled>(api.kube, newest(COMPONENT), chain.namespace);
    const { metadata } = await components.until(
      'billing',
      'answered',
      ({ metadata: seen }) => seen.annotations?.[image] !== undefined,
    );
    const url = `${quay.host}/${ORG}/${chain.namespace}/my-app/billing`;
    assert.deepEqual(metadata.annotations, {
      [image]: `{"image":"${url}","visibility":"private","secret":"billing"}`,
    });
    remember();
    await components.remove('billing');
    await components.gone('billing');
    assert.deepEqual(org().robots, {});
  });

  test('every function has answered, and no token of Quay left the cluster', () => {
    const { endpoint, relayLog } = chain;
    const names = ['quay-repository', 'quay-component'].map((name) =>
      chain.functionName.replace('image-repository', name),
    );
    for (const name of names)
      assert.ok(
        endpoint.invocations.some((each) => each.name === name),
        name,
      );
    const traces = JSON.stringify([
      endpoint.invocations,
      names.map((name) => endpoint.output(name)),
      relayLog,
    ]);
    assert.ok(tokens.size > 4);
    for (const token of tokens) assert.ok(!traces.includes(token));
  });
}

describe('packaged Quay functions: embedded control plane', () => define(useApiServer(startEmbedded), false));
describe('packaged Quay functions: kube-apiserver', needs('kube-apiserver', 'etcd'), () =>
  define(useApiServer(), true),
);
