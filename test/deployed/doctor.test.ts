/** `longshore doctor` on what is deployed: first all is well, then one thing after the other is broken. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { Finding } from '../../infra/cli/doctor/finding.ts';
import { runCommand } from '../../infra/cli/test-run.ts';
import {
  CUSTOM_RESOURCE_DEFINITIONS,
  type KubeObject,
  LEASES,
  type Resource,
  SERVICE_ACCOUNTS,
} from '../../shared/kube/resource.ts';
import type { ClusterEndpoint } from '../../shared/kube/transport.ts';
import { needs } from '../parts/parts.ts';
import { freePort } from '../parts/process.ts';
import { type Deployment, NAMESPACE, RELEASE_NAME } from './deployment.ts';
import { OURS, of, troubles, useExamination } from './examination.ts';

const CLUSTER_ROLES: Resource = {
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  plural: 'clusterroles',
  kind: 'ClusterRole',
  namespaced: false,
};

describe('longshore doctor', {
  ...needs('kube-apiserver', 'etcd', 'helm', 'versitygw'),
  timeout: 240_000,
}, () => {
  const visit = useExamination();
  const { setReady, withArgs, examine, finds } = visit;
  let deployment: Deployment;
  let folder: string;

  before(async () => {
    deployment = visit.deployment();
    folder = await mkdtemp(join(tmpdir(), 'longshore-doctor-'));
  });
  after(() => rm(folder, { recursive: true }));

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
    await visit.pod().kill();
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
