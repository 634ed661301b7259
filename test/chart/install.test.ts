/** Helm and the chart on a real API server: what it says to a cluster that is not empty, upgrade, uninstall. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { readDoctorFlags } from '../../infra/cli/doctor/flags.ts';
import { findInstallation } from '../../infra/cli/doctor/installation.ts';
import { checkRights } from '../../infra/cli/doctor/rights.ts';
import { customResourceDefinition } from '../../shared/api/crd.ts';
import { KINDS } from '../../shared/api/kinds.ts';
import type { KubeClient } from '../../shared/kube/client.ts';
import {
  CUSTOM_RESOURCE_DEFINITIONS,
  type KubeObject,
  NAMESPACES,
  type Resource,
} from '../../shared/kube/resource.ts';
import { createKubeClient } from '../../shared/kube/rest-client.ts';
import { createTransport, type KubeTransport } from '../../shared/kube/transport.ts';
import { QUAY_TOKEN_SECRET } from '../../shared/quay/token-secret.ts';
import { systemClock } from '../../shared/runtime/clock.ts';
import { DEPLOYMENTS } from '../deployed/deployment.ts';
import { type KubeApiServer, startKubeApiServerWith } from '../parts/kube-api-server.ts';
import { needs } from '../parts/parts.ts';
import { CHART, helm, merge, REQUIRED } from './helm.ts';
import { VALUE_SETS } from './values.ts';

const SERVICES: Resource = {
  group: '',
  version: 'v1',
  plural: 'services',
  kind: 'Service',
  namespaced: true,
};
const NAMESPACE = 'longshore-system';

const ROLES: Resource = {
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  plural: 'roles',
  kind: 'Role',
  namespaced: true,
};

describe('helm install', needs('kube-apiserver', 'etcd', 'helm'), () => {
  let cluster: KubeApiServer;
  let transport: KubeTransport;
  let kube: KubeClient;

  before(async () => {
    cluster = await startKubeApiServerWith([]);
    transport = createTransport(cluster.endpoint);
    kube = createKubeClient(transport);
    await kube.create(NAMESPACES, {}, { metadata: { name: NAMESPACE } });
  });
  after(async () => {
    transport?.close();
    await cluster?.stop();
  });
  // The CRDs stay, and the next installation takes them up.
  afterEach(() => on(['uninstall', 'longshore', '--ignore-not-found']));

  async function removeCrds(): Promise<void> {
    for (const name of await crdNames()) await kube.delete(CUSTOM_RESOURCE_DEFINITIONS, { name });
    while ((await crdNames()).length > 0) await pause(100);
  }

  const on = (args: string[], values?: unknown) =>
    helm([...args, '--namespace', NAMESPACE, '--kubeconfig', cluster.kubeconfig], values);
  const install = (values: object = {}) => on(['install', 'longshore', CHART], merge(REQUIRED, values));
  const crdNames = async () =>
    (await kube.list(CUSTOM_RESOURCE_DEFINITIONS)).items.map(({ metadata }) => metadata.name).sort();
  const ours = KINDS.map(({ plural, group }) => `${plural}.${group}`).sort();

  for (const [name, { values }] of Object.entries(VALUE_SETS)) {
    // ServiceMonitor is of Prometheus Operator; namespaces of a limited scope must be there.
    const here = merge(values, { serviceMonitor: { enabled: false } }) as object;
    test(`values '${name}': every manifest is one that an API server takes`, async () => {
      for (const team of ['team-a', 'team-b']) {
        if (!(await kube.get(NAMESPACES, { name: team }))) {
          await kube.create(NAMESPACES, {}, { metadata: { name: team } });
        }
      }
      await install(here);
    });
  }

  test('a limited scope: the Secret outside of it may be read, which the doctor asks for', async () => {
    const outside = { namespace: QUAY_TOKEN_SECRET.namespace };
    await kube.create(NAMESPACES, {}, { metadata: { name: outside.namespace } });
    await install({ scope: { namespaces: [NAMESPACE] } });
    const signal = new AbortController().signal;
    const flags = readDoctorFlags([]);
    const installation = await findInstallation(kube, flags, signal);
    const visit = { flags, installation, kube, transport, endpoint: cluster.endpoint };
    const examine = () => checkRights({ ...visit, clock: systemClock, serverAheadMs: 0 }, signal);
    const refusals = async () =>
      (await examine()).filter(({ result }) => result !== 'ok').map(({ text }) => text);
    // The API server learns of new roles by and by.
    while ((await refusals()).length > 0) await pause(100);
    await kube.delete(ROLES, { ...outside, name: 'longshore-quay-token' });
    while ((await refusals()).length < 3) await pause(100);
    const secret = "secrets 'quaytoken' in image-controller-system";
    assert.deepEqual(await refusals(), [
      `relay may not list ${secret}, watch ${secret}`,
      `quay-repository may not get ${secret}`,
      `quay-component may not get ${secret}`,
    ]);
  });

  test('the notes say what to do next', async () => {
    const text = await install();
    assert.match(text, /kubectl -n longshore-system rollout status deployment\/longshore/);
    assert.match(text, /longshore doctor/);
    assert.match(
      text,
      /artifact-base-url=http:\/\/source-controller\.longshore-system\.svc\.cluster\.local\./,
    );
  });

  test('an upgrade keeps what is there, a rollback undoes it, an uninstall leaves the CRDs, and a new install takes them up again', async () => {
    await install();
    assert.deepEqual(await crdNames(), ours);
    const before = await kube.get<KubeObject>(CUSTOM_RESOURCE_DEFINITIONS, { name: ours[0]! });
    await on(['upgrade', 'longshore', CHART], merge(REQUIRED, { replicas: 3 }));
    const after = await kube.get<KubeObject>(CUSTOM_RESOURCE_DEFINITIONS, { name: ours[0]! });
    assert.equal(after?.metadata.uid, before?.metadata.uid);
    await on(['rollback', 'longshore']);
    const deployment = await kube.get<KubeObject<{ replicas: number }>>(DEPLOYMENTS, {
      namespace: NAMESPACE,
      name: 'longshore',
    });
    assert.equal(deployment?.spec.replicas, 2);
    assert.deepEqual(await crdNames(), ours);
    await on(['uninstall', 'longshore']);
    assert.deepEqual(await crdNames(), ours);
    assert.equal(await kube.get(SERVICES, { namespace: NAMESPACE, name: 'source-controller' }), undefined);
    await install();
  });

  test('CRDs of another installation: it says whose, and how to go on; without ours it installs', async () => {
    await removeCrds();
    const [kind] = KINDS;
    const crd = customResourceDefinition(kind!);
    await kube.create(CUSTOM_RESOURCE_DEFINITIONS, {}, crd);
    await assert.rejects(
      install(),
      /CRD imagerepositories\.image\.toolkit\.fluxcd\.io is there already and belongs to flux: set kinds\.image\.crds=false .*docs\/install\.md/,
    );
    assert.deepEqual(await crdNames(), [crd.metadata.name], 'nothing was half-installed');
    await install({ kinds: { image: { crds: false } } });
  });

  test('CRDs can be taken over as the docs say', async () => {
    await removeCrds();
    const crd = customResourceDefinition(KINDS[0]!);
    await kube.create(CUSTOM_RESOURCE_DEFINITIONS, {}, crd);
    await kube.patch(
      CUSTOM_RESOURCE_DEFINITIONS,
      { name: crd.metadata.name },
      {
        metadata: {
          labels: { 'app.kubernetes.io/managed-by': 'Helm' },
          annotations: {
            'meta.helm.sh/release-name': 'longshore',
            'meta.helm.sh/release-namespace': NAMESPACE,
          },
        },
      },
    );
    await install();
    assert.deepEqual(await crdNames(), ours);
  });

  test('the name of the Service is taken: it says by whom; under another name it installs', async (t) => {
    const name = 'source-controller';
    const labels = { 'app.kubernetes.io/part-of': 'flux' };
    await kube.create(
      SERVICES,
      { namespace: NAMESPACE },
      { metadata: { name, labels }, spec: { ports: [{ port: 80 }] } },
    );
    t.after(() => kube.delete(SERVICES, { namespace: NAMESPACE, name }));
    await assert.rejects(
      install(),
      /artifacts\.serviceName: Service longshore-system\/source-controller is taken by flux: set another name/,
    );
    await install({ artifacts: { serviceName: 'longshore-artifacts' } });
  });
});
