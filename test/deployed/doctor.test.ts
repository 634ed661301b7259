/** `longshore doctor` on what is deployed: first all is well, then one thing after the other is broken. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { Finding, StepName } from '../../infra/cli/doctor/finding.ts';
import { runCommand } from '../../infra/cli/test-run.ts';
import {
  CUSTOM_RESOURCE_DEFINITIONS,
  type KubeObject,
  LEASES,
  NAMESPACES,
  type Resource,
  resourcePath,
  SERVICE_ACCOUNTS,
} from '../../shared/kube/resource.ts';
import { type ClusterEndpoint, createTransport } from '../../shared/kube/transport.ts';
import { needs } from '../parts/parts.ts';
import { freePort } from '../parts/process.ts';
import { DEPLOYMENTS, type Deployment, deploy, NAMESPACE, type Pod, RELEASE_NAME } from './deployment.ts';

const CLUSTER_ROLES: Resource = {
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  plural: 'clusterroles',
  kind: 'ClusterRole',
  namespaced: false,
};
const OCI_REPOSITORIES: Resource = {
  group: 'source.toolkit.fluxcd.io',
  version: 'v1',
  plural: 'ocirepositories',
  kind: 'OCIRepository',
  namespaced: true,
};
const OURS = { namespace: NAMESPACE, name: RELEASE_NAME };

type Workload = KubeObject<{ template: { spec: { containers: { args: string[] }[] } } }>;

describe('longshore doctor', {
  ...needs('kube-apiserver', 'etcd', 'helm', 'versitygw'),
  timeout: 240_000,
}, () => {
  let deployment: Deployment;
  let pod: Pod;
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'longshore-doctor-'));
    // The functions of Quay have tests of their own.
    deployment = await deploy({ values: { kinds: { quay: { enabled: false } } } });
    Object.assign(process.env, {
      AWS_ACCESS_KEY_ID: deployment.s3.credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: deployment.s3.credentials.secretAccessKey,
      AWS_REGION: deployment.s3.region,
    });
    pod = await deployment.startPod();
    await pod.said('leading, epoch 1');
    await setArgs({ 'artifact-base-url': pod.artifactUrl });
    await setReady(2);
  });
  after(async () => {
    await deployment?.stop();
    await rm(folder, { recursive: true });
  });

  /** What the Deployment's controller would write. */
  async function setReady(readyReplicas: number): Promise<void> {
    const status = { replicas: 2, readyReplicas };
    await deployment.kube.patch(DEPLOYMENTS, { ...OURS, subresource: 'status' }, { status });
  }

  /** Puts other values into the flags of the Deployment, and answers what stood there. */
  async function setArgs(flags: Record<string, string>): Promise<string[]> {
    const found = await deployment.kube.get<Workload>(DEPLOYMENTS, OURS);
    const { containers } = found!.spec.template.spec;
    const { args } = containers[0]!;
    const kept = args.filter((arg) => !(arg.slice(2).split('=')[0]! in flags));
    const changed = [...kept, ...Object.entries(flags).map(([name, value]) => `--${name}=${value}`)];
    await putArgs(containers, changed);
    return args;
  }

  async function putArgs(containers: { args: string[] }[], args: string[]): Promise<void> {
    const spec = { template: { spec: { containers: [{ ...containers[0], args }] } } };
    await deployment.kube.patch(DEPLOYMENTS, OURS, { spec });
  }

  async function withArgs<T>(flags: Record<string, string>, work: () => Promise<T>): Promise<T> {
    const before = await setArgs(flags);
    try {
      return await work();
    } finally {
      const found = await deployment.kube.get<Workload>(DEPLOYMENTS, OURS);
      await putArgs(found!.spec.template.spec.containers, before);
    }
  }

  async function examine(...more: string[]): Promise<{ code: number; findings: Finding[] }> {
    const args = ['doctor', '--kubeconfig', deployment.cluster.kubeconfig, '-o', 'json', ...more];
    const { code, stdout, stderr } = await runCommand(args);
    assert.equal(stderr, '');
    const { ok, findings } = JSON.parse(stdout) as { ok: boolean; findings: Finding[] };
    assert.equal(ok, code === 0);
    return { code, findings };
  }

  const troubles = (findings: Finding[]) => findings.filter(({ result }) => result !== 'ok');
  const of = (findings: Finding[], step: StepName) => findings.filter((finding) => finding.step === step);

  /** The doctor finds this and nothing else, says what to do, and its exit code tells. */
  async function finds(
    step: StepName,
    result: Finding['result'],
    text: RegExp,
    advice: RegExp,
  ): Promise<void> {
    const { code, findings } = await examine();
    assert.equal(code, result === 'failed' ? 1 : 0, JSON.stringify(troubles(findings)));
    const found = troubles(findings);
    const told = JSON.stringify(found, null, 2);
    assert.ok(found.length > 0 && found.every((each) => each.step === step), told);
    const first = found.find((each) => each.result === result && text.test(each.text));
    assert.ok(first, told);
    assert.match(first.advice ?? '', advice);
  }

  test('all is well: every step says so, and for people there is a line each', async () => {
    const { code, findings } = await examine();
    assert.deepEqual(troubles(findings), []);
    assert.equal(code, 0);
    const texts = findings.map(({ step, text }) => `${step} ${text}`);
    for (const line of [
      /^api-server https:\/\/127\.0\.0\.1:\d+, Kubernetes v1\./,
      /^crds ocirepositories\.source\.toolkit\.fluxcd\.io: v1, v1beta2$/,
      /^rights relay: all \d+ that it needs$/,
      /^rights oci-repository: all 7 that it needs$/,
      /^relay 2 of 2 pods are ready$/,
      /^relay \S+ leads$/,
      /^functions image-policy: known as system:serviceaccount:longshore-system:longshore-image-policy$/,
      /^bucket image-repository: reads and writes deployed\/tags\/$/,
      /^bucket image-policy: reads deployed\/tags\/$/,
      /^bucket oci-repository: reads and writes deployed\/artifacts\/ocirepository\/$/,
      /^bucket longshore is there and can be listed$/,
      /^artifacts http:\/\/127\.0\.0\.1:\d+ answers from here; there is no artifact yet$/,
      /^controllers nobody else manages these objects$/,
    ]) {
      assert.ok(
        texts.some((text) => line.test(text)),
        `${line} is not in\n${texts.join('\n')}`,
      );
    }
    const { stdout } = await runCommand(['doctor', '--kubeconfig', deployment.cluster.kubeconfig]);
    assert.equal(stdout.trimEnd().split('\n').length, findings.length + 2);
    assert.match(stdout, /nothing failed\n$/);
  });

  test('another release name, another namespace: no relay there, and the rest is looked at', async () => {
    const { code, findings } = await examine('--release', 'other');
    assert.equal(code, 1);
    assert.match(of(findings, 'relay')[0]!.text, /no relay is installed: .*release 'other'/);
    // Which kinds it would serve nobody says: all are looked for.
    assert.deepEqual(
      of(findings, 'crds').map(({ result }) => result),
      ['ok', 'ok', 'ok', 'failed'],
    );
    assert.deepEqual(new Set(of(findings, 'functions').map(({ result }) => result)), new Set(['skipped']));
  });

  test('a CRD is missing', async () => {
    const name = 'imagepolicies.image.toolkit.fluxcd.io';
    const crd = await deployment.kube.get(CUSTOM_RESOURCE_DEFINITIONS, { name });
    await deployment.kube.delete(CUSTOM_RESOURCE_DEFINITIONS, { name });
    while (await deployment.kube.get(CUSTOM_RESOURCE_DEFINITIONS, { name })) await pause(20);
    try {
      await finds(
        'crds',
        'failed',
        /imagepolicies\.image\.toolkit\.fluxcd\.io is not there/,
        /kinds\.image\.crds=true/,
      );
    } finally {
      const { metadata, ...rest } = crd!;
      const { labels, annotations } = metadata;
      await deployment.kube.create(
        CUSTOM_RESOURCE_DEFINITIONS,
        {},
        { ...rest, metadata: { name, labels, annotations } },
      );
    }
  });

  test('a CRD of another release: an old version alone, without fields that we write', async () => {
    const name = 'ocirepositories.source.toolkit.fluxcd.io';
    type Version = { name: string; storage: boolean; schema: { openAPIV3Schema: Schema } };
    type Schema = { properties: Record<string, Schema> };
    const crd = await deployment.kube.get<KubeObject<{ versions: Version[] }>>(CUSTOM_RESOURCE_DEFINITIONS, {
      name,
    });
    const old = structuredClone(crd!.spec.versions.find((version) => version.name === 'v1beta2')!);
    delete old.schema.openAPIV3Schema.properties.status!.properties.contentConfigChecksum;
    const hidden = { ...structuredClone(crd!.spec.versions[0]!), served: false };
    const patch = (versions: unknown[]) =>
      deployment.kube.patch(CUSTOM_RESOURCE_DEFINITIONS, { name }, { spec: { versions } });
    await patch([hidden, old]);
    try {
      await finds('crds', 'warning', /does not serve v1, the newest; v1beta2 is used/, /crds=true/);
      await finds(
        'crds',
        'warning',
        /of another release: it drops status\.contentConfigChecksum$/,
        /crds=true/,
      );
    } finally {
      await patch(crd!.spec.versions);
    }
  });

  test('a right is missing', async () => {
    const name = `${RELEASE_NAME}-oci-repository`;
    const role = await deployment.kube.get<KubeObject & { rules: { resources: string[] }[] }>(CLUSTER_ROLES, {
      name,
    });
    const rules = role!.rules.filter(({ resources }) => !resources.includes('ocirepositories/status'));
    await deployment.kube.patch(CLUSTER_ROLES, { name }, { rules });
    const text = /^oci-repository may not patch ocirepositories\/status\.source\.toolkit\.fluxcd\.io$/;
    await finds('rights', 'failed', text, /helm upgrade longshore/);
    await deployment.kube.patch(CLUSTER_ROLES, { name }, { rules: role!.rules });
  });

  test('an account of a function is missing: nobody can mint its token', async () => {
    const ref = { namespace: NAMESPACE, name: `${RELEASE_NAME}-image-policy` };
    await deployment.kube.delete(SERVICE_ACCOUNTS, ref);
    const { findings } = await examine();
    await deployment.kube.create(
      SERVICE_ACCOUNTS,
      { namespace: NAMESPACE },
      { metadata: { name: ref.name } },
    );
    const found = troubles(findings);
    assert.deepEqual(found.map(({ step }) => step).sort(), ['functions', 'rights']);
    assert.match(
      of(found, 'rights')[0]!.text,
      /ServiceAccount longshore-system\/longshore-image-policy is not there/,
    );
    assert.match(of(found, 'functions')[0]!.text, /serviceaccounts "longshore-image-policy" not found/);
  });

  test('pods are not ready: one of them, all of them', async () => {
    await setReady(1);
    await finds(
      'relay',
      'warning',
      /^1 of 2 pods are ready$/,
      /kubectl -n longshore-system logs deployment\/longshore/,
    );
    await setReady(0);
    await finds('relay', 'failed', /^0 of 2 pods are ready$/, /describe pods/);
    await setReady(2);
  });

  test('flags of another release: the relay cannot be read', async () => {
    await withArgs({ 'of-the-future': 'yes' }, async () => {
      const { code, findings } = await examine();
      assert.equal(code, 1);
      assert.match(of(findings, 'relay')[0]!.text, /of-the-future/);
      assert.match(of(findings, 'relay')[0]!.advice!, /release that is installed/);
    });
  });

  test('the functions have other names, or nobody is there', async () => {
    await withArgs({ 'lambda-function-prefix': 'wrong-' }, () =>
      finds(
        'functions',
        'failed',
        /Function not found: wrong-oci-repository/,
        /functions\.prefix and the region/,
      ),
    );
    await withArgs({ 'lambda-endpoint': 'http://127.0.0.1:9' }, () =>
      finds('functions', 'failed', /invoke longshore-test-image-policy: .*ECONNREFUSED/, /region/),
    );
  });

  test('a function has no room', async () => {
    deployment.functions.throttle(deployment.functionName('image-policy'), 1, 1);
    await finds('functions', 'warning', /longshore-test-image-policy has no room/, /concurren/);
  });

  test('the functions do not reach the API server', async () => {
    await withArgs({ 'functions-api-server': 'https://127.0.0.1:9' }, () =>
      finds(
        'functions',
        'failed',
        /oci-repository does not reach the cluster: .*127\.0\.0\.1:9/,
        /subnet-ids/,
      ),
    );
  });

  test('the authority of that address is another one', async () => {
    await withArgs({ 'functions-api-ca-file': 'system' }, () =>
      finds('functions', 'failed', /does not reach the cluster: .*certificate/, /functions-api-ca-file/),
    );
  });

  test('the bucket is another one than that of the functions', async () => {
    await withArgs({ 'storage-bucket': 'elsewhere' }, () =>
      finds('bucket', 'failed', /bucket 'elsewhere'.*NoSuchBucket/, /StorageBucket/),
    );
  });

  test('the address of artifacts: nobody answers; nobody stands behind the Service', async () => {
    const nobody = `http://127.0.0.1:${await freePort()}`;
    await withArgs({ 'artifact-base-url': nobody }, () =>
      finds(
        'artifacts',
        'failed',
        /http:\/\/127\.0\.0\.1:\d+ does not answer: .*ECONNREFUSED/,
        /artifacts\.baseUrl/,
      ),
    );
    const service = `http://source-controller.${NAMESPACE}.svc.cluster.local.`;
    await withArgs({ 'artifact-base-url': service }, () =>
      finds(
        'artifacts',
        'failed',
        /the API server answers (?:404|503) for Service longshore-system\/source-controller/,
        /endpointslices/,
      ),
    );
  });

  describe('beside Flux', () => {
    const FLUX = { namespace: 'flux-system', name: 'source-controller' };

    before(async () => {
      const { kube } = deployment;
      await kube.create(NAMESPACES, {}, { metadata: { name: 'flux-system' } });
      await kube.create(
        DEPLOYMENTS,
        { namespace: FLUX.namespace },
        {
          metadata: { name: FLUX.name, labels: { app: FLUX.name } },
          spec: {
            selector: { matchLabels: { app: FLUX.name } },
            template: {
              metadata: { labels: { app: FLUX.name } },
              spec: { containers: [{ name: 'manager', image: 'source-controller', args: [] }] },
            },
          },
        },
      );
      const labels = { 'longshore.dev/migrated': 'true' };
      await kube.create(
        OCI_REPOSITORIES,
        { namespace: 'flux-system' },
        {
          apiVersion: 'source.toolkit.fluxcd.io/v1',
          kind: 'OCIRepository',
          metadata: { name: 'ours', labels },
          spec: { url: 'oci://127.0.0.1:9/x', interval: '1h', suspend: true },
        },
      );
    });
    after(() => deployment.kube.delete(DEPLOYMENTS, FLUX));

    const setFlux = (spec: object) => deployment.kube.patch(DEPLOYMENTS, FLUX, { spec });
    const selecting = (selector: string) =>
      setFlux({
        template: {
          spec: {
            containers: [
              { name: 'manager', image: 'source-controller', args: [`--watch-label-selector=${selector}`] },
            ],
          },
        },
      });

    test('it serves the same objects', () =>
      finds(
        'controllers',
        'failed',
        /^flux-system\/source-controller manages 1 objects of ours as well: OCIRepository flux-system\/ours$/,
        /watch-label-selector.*docs\/migration\.md/,
      ));

    test('each has its own objects by label', async () => {
      await selecting('longshore.dev/migrated!=true');
      await withArgs({ 'watch-label-selector': 'longshore.dev/migrated=true' }, async () => {
        const { code, findings } = await examine();
        assert.deepEqual(troubles(findings), []);
        assert.equal(code, 0);
        assert.match(of(findings, 'controllers')[0]!.text, /manages others: longshore\.dev\/migrated!=true/);
      });
      await finds('controllers', 'warning', /would manage new objects/, /watch-label-selector/);
    });

    test('somebody writes a status after us', async () => {
      const ref = { namespace: 'flux-system', name: 'ours', subresource: 'status' };
      const transport = createTransport(deployment.cluster.endpoint);
      const write = async (fieldManager: string, status: object) => {
        const answer = await transport.request({
          method: 'PATCH',
          path: resourcePath(OCI_REPOSITORIES, ref),
          query: { fieldManager },
          contentType: 'application/merge-patch+json',
          body: JSON.stringify({ status }),
        });
        assert.equal(answer.status, 200, answer.body.toString());
      };
      await setFlux({ replicas: 0 });
      await write('longshore', { observedIgnore: 'a' });
      // Its time has whole seconds.
      await pause(1001 - (Date.now() % 1000));
      await write('source-controller', { observedGeneration: 1 });
      const text =
        /^source-controller writes the status of 1 objects after us: OCIRepository flux-system\/ours$/;
      await finds('controllers', 'warning', text, /docs\/migration\.md/);
      await pause(1001 - (Date.now() % 1000));
      await write('longshore', { observedIgnore: 'b' });
      assert.deepEqual(troubles((await examine()).findings), []);
      await setFlux({ replicas: 1 });
      transport.close();
    });

    test('it is scaled to nothing', async () => {
      await selecting('');
      await setFlux({ replicas: 0 });
      const { findings } = await examine();
      assert.deepEqual(troubles(findings), []);
      await setFlux({ replicas: 1 });
      await selecting('longshore.dev/migrated!=true');
    });
  });

  test('an identity that may nothing: what it cannot see is skipped or said, nothing is made up', async () => {
    const account = { namespace: NAMESPACE, name: 'nobody' };
    await deployment.kube.create(
      SERVICE_ACCOUNTS,
      { namespace: NAMESPACE },
      { metadata: { name: 'nobody' } },
    );
    const { status } = await deployment.kube.create<{ status: { token: string } }>(
      SERVICE_ACCOUNTS,
      { ...account, subresource: 'token' },
      { spec: {} },
    );
    const kubeconfig = join(folder, 'nobody');
    await writeFile(kubeconfig, kubeconfigOf(deployment.cluster.endpoint, status.token));
    const { code, stdout } = await runCommand(['doctor', '--kubeconfig', kubeconfig, '-o', 'json']);
    assert.equal(code, 1);
    const { findings } = JSON.parse(stdout) as { findings: Finding[] };
    assert.match(of(findings, 'relay')[0]!.text, /cannot be read: .*forbidden.*deployments/);
    assert.equal(of(findings, 'crds')[0]!.result, 'skipped');
  });

  // The last one: nobody leads after it.
  test('the leader is dead: it has not renewed its Lease', async () => {
    await pod.kill();
    const renewTime = '2026-01-01T00:00:00.000000Z';
    await deployment.kube.patch(LEASES, OURS, { spec: { renewTime } });
    const { findings } = await examine();
    const relay = of(findings, 'relay');
    assert.match(
      relay.at(-1)!.text,
      /holds Lease longshore-system\/longshore and has not renewed it for 6 s/,
    );
    assert.equal(relay.at(-1)!.result, 'failed');
    assert.equal(of(findings, 'artifacts')[0]!.result, 'failed');
  });
});

/** JSON is YAML. */
function kubeconfigOf({ server, ca }: ClusterEndpoint, token: string): string {
  const cluster = { server, 'certificate-authority-data': Buffer.from(ca!).toString('base64') };
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'it', cluster }],
    users: [{ name: 'nobody', user: { token } }],
    contexts: [{ name: 'it', context: { cluster: 'it', user: 'nobody' } }],
    'current-context': 'it',
  });
}
