/** What people do with kubectl, on both servers. The tests of a suite build on each other, from top to bottom. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { useKubectl } from './kubectl.ts';
import { MERGE, overBothServers, repositories } from './servers.ts';

const manifest = (spec: string, version = 'v1') => `apiVersion: image.toolkit.fluxcd.io/${version}
kind: ImageRepository
metadata:
  name: app
spec:
${spec.replace(/^/gm, '  ')}
`;
const PLAIN = manifest('image: ghcr.io/stefanprodan/podinfo\ninterval: 5m');
const WITH_SECRET = manifest(
  'image: ghcr.io/stefanprodan/podinfo\ninterval: 6m\nsecretRef:\n  name: regcred',
);
const NAME = 'imagerepository.image.toolkit.fluxcd.io/app';

interface Step {
  run: string[];
  input?: string;
  editor?: string;
  /** What the output must match. */
  says: RegExp;
  /** Exit code; 0 when left out. */
  code?: number;
}

const STEPS: Step[] = [
  { run: ['apply', '-f', '-'], input: PLAIN, says: /^imagerepository\S+\/app created$/ },
  { run: ['apply', '-f', '-'], input: PLAIN, says: /app unchanged$/ },
  { run: ['apply', '-f', '-'], input: WITH_SECRET, says: /app configured$/ },
  { run: ['get', 'imgrepo', 'app', '-o', 'jsonpath={.spec.secretRef.name}'], says: /^regcred$/ },
  { run: ['apply', '-f', '-'], input: PLAIN, says: /app configured$/ },
  { run: ['get', 'imgrepo', 'app', '-o', 'jsonpath=[{.spec.secretRef}]'], says: /^\[\]$/ },
  { run: ['diff', '-f', '-'], input: WITH_SECRET, says: /\+ +interval: 6m/, code: 1 },
  {
    run: ['apply', '--dry-run=server', '-f', '-'],
    input: WITH_SECRET,
    says: /configured \(server dry run\)$/,
  },
  { run: ['apply', '--server-side', '-f', '-'], input: PLAIN, says: /app serverside-applied$/ },
  { run: ['apply', '--server-side', '-f', '-'], input: WITH_SECRET, says: /app serverside-applied$/ },
  { run: ['apply', '--server-side', '-f', '-'], input: PLAIN, says: /app serverside-applied$/ },
  { run: ['get', 'imgrepo', 'app', '-o', 'jsonpath=[{.spec.secretRef}]'], says: /^\[\]$/ },
  {
    run: ['apply', '--server-side', '--field-manager=other', '-f', '-'],
    input: WITH_SECRET,
    says: /conflict with "kubectl": \.spec\.interval/,
    code: 1,
  },
  {
    run: ['apply', '--server-side', '--field-manager=other', '--force-conflicts', '-f', '-'],
    input: PLAIN.replace('5m', '5m0s'),
    says: /serverside-applied$/,
  },
  {
    run: ['get', 'imgrepo'],
    says: /^NAME +IMAGE +TAGS +READY +STATUS +AGE\napp +ghcr\.io\/stefanprodan\/podinfo +\d+s$/,
  },
  { run: ['get', 'imagerepo', '-o', 'wide'], says: /LAST SCAN/ },
  {
    run: ['get', 'imgrepo', '-o', 'name'],
    says: /^imagerepository\.image\.toolkit\.fluxcd\.io\/app$/,
  },
  { run: ['get', 'imagerepositories.v1beta1.image.toolkit.fluxcd.io', '-o', 'name'], says: /app$/ },
  { run: ['get', 'imgrepo', 'app', '-o', 'json'], says: /"apiVersion": "image\.toolkit\.fluxcd\.io\/v1"/ },
  {
    run: ['get', 'imgrepo', 'app', '-o', 'yaml'],
    says: /^spec:\n {2}exclusionList:\n {2}- \^\.\*\\\.sig\$/m,
  },
  { run: ['get', 'imgrepo', '--all-namespaces', '--no-headers'], says: / app +ghcr/ },
  { run: ['get', 'imgrepo', '--show-labels'], says: /LABELS\napp .*<none>$/ },
  { run: ['get', 'imgrepo', '--field-selector', 'metadata.name=other'], says: /^No resources found/ },
  { run: ['get', 'imgrepo', 'other'], says: /"other" not found$/, code: 1 },
  { run: ['get', 'all'], says: /app +ghcr\.io/ },
  { run: ['get', 'imgrepo', '--watch', '--request-timeout=1s'], says: /app +ghcr/ },
  { run: ['annotate', 'imgrepo', 'app', 'reconcile.fluxcd.io/requestedAt=1'], says: /annotated$/ },
  {
    run: ['annotate', 'imgrepo', 'app', 'reconcile.fluxcd.io/requestedAt=2'],
    says: /already has a value/,
    code: 1,
  },
  { run: ['annotate', '--overwrite', NAME, 'reconcile.fluxcd.io/requestedAt=2'], says: /annotated$/ },
  { run: ['label', 'imgrepo', '--all', 'team=a'], says: /labeled$/ },
  { run: ['get', 'imgrepo', '-l', 'team in (a,b)', '-o', 'name'], says: /app$/ },
  { run: ['label', 'imgrepo', 'app', 'team-'], says: /unlabeled$/ },
  { run: ['patch', 'imgrepo', 'app', '--type=merge', '-p', '{"spec":{"suspend":true}}'], says: /patched$/ },
  {
    run: ['patch', 'imgrepo', 'app', '--type=merge', '-p', '{"spec":{"suspend":true}}'],
    says: /patched \(no change\)$/,
  },
  {
    run: ['patch', 'imgrepo', 'app', '--type=json', '-p', '[{"op":"remove","path":"/spec/suspend"}]'],
    says: /patched$/,
  },
  {
    run: ['patch', 'imgrepo', 'app', '-p', '{"spec":{"suspend":true}}'],
    says: /application\/strategic-merge-patch\+json is not supported by image\.toolkit\.fluxcd\.io\/v1/,
    code: 1,
  },
  { run: ['edit', 'imgrepo', 'app'], editor: 'sed -i s/5m0s/17m/', says: /edited$/ },
  { run: ['edit', 'imgrepo', 'app'], editor: 'true', says: /Edit cancelled, no changes made/ },
  {
    run: ['get', 'imgrepo', 'app', '-o', 'jsonpath={.spec.interval} {.metadata.generation}'],
    says: /^17m \d+$/,
  },
  { run: ['replace', '-f', '-'], input: PLAIN, says: /replaced$/ },
  { run: ['create', '-f', '-'], input: PLAIN, says: /"app" already exists/, code: 1 },
  {
    run: ['create', '-f', '-'],
    input: PLAIN.replace('5m', '5m\n  foo: 1'),
    says: /strict decoding error: unknown field "spec\.foo"/,
    code: 1,
  },
  {
    run: ['apply', '-f', '-'],
    input: PLAIN.replace('5m', '"5"'),
    says: /spec\.interval in body should match/,
    code: 1,
  },
  { run: ['wait', '--for=jsonpath={.spec.interval}=5m', NAME, '--timeout=5s'], says: /condition met$/ },
  { run: ['explain', 'imgrepo.spec.image'], says: /FIELD: image <string>/ },
  { run: ['explain', 'imgrepo', '--recursive'], says: /accessFrom\t<Object>/ },
  { run: ['explain', 'imgrepo.spec.nope'], says: /field "nope" does not exist/, code: 1 },
  { run: ['explain', 'secret.data'], says: /FIELD: data <map\[string\]string>/ },
  {
    run: ['api-resources', '--api-group=image.toolkit.fluxcd.io'],
    says: /imagerepositories +imgrepo,imagerepo +image/,
  },
  { run: ['api-versions'], says: /^image\.toolkit\.fluxcd\.io\/v1beta1$/m },
  { run: ['version'], says: /Server Version: v1\.36/ },
  { run: ['auth', 'can-i', 'create', 'imgrepo'], says: /^yes$/ },
  { run: ['auth', 'whoami'], says: /Username/ },
  { run: ['cluster-info'], says: /is running at/ },
  {
    run: ['create', 'secret', 'generic', 'tls-certs', '--from-literal=caFile=x'],
    says: /tls-certs created$/,
  },
  {
    run: ['create', 'secret', 'docker-registry', 'regcred', '--docker-username=u', '--docker-password=p'],
    says: /regcred created$/,
  },
  {
    run: ['get', 'secret', 'regcred', '-o', 'jsonpath={.type} {.data}'],
    says: /^kubernetes\.io\/dockerconfigjson \{"\.dockerconfigjson":"/,
  },
  { run: ['describe', 'secret', 'regcred'], says: /\.dockerconfigjson: +\d+ bytes/ },
  { run: ['create', 'configmap', 'conf', '--from-literal=a=b'], says: /conf created$/ },
  { run: ['describe', 'configmap', 'conf'], says: /^a:\n----\nb$/m },
  { run: ['create', 'serviceaccount', 'robot'], says: /robot created$/ },
  { run: ['patch', 'sa', 'robot', '-p', '{"imagePullSecrets":[{"name":"regcred"}]}'], says: /patched$/ },
  { run: ['get', 'sa', 'robot', '-o', 'jsonpath={.imagePullSecrets}'], says: /^\[\{"name":"regcred"\}\]$/ },
  { run: ['create', 'token', 'robot', '--duration=10m'], says: /^[\w-]+\.[\w-]+\.[\w-]+$/ },
  { run: ['describe', 'imgrepo', 'app'], says: /^Spec:\n(.*\n)* +Image: +ghcr\.io\/stefanprodan\/podinfo$/m },
  { run: ['get', 'events'], says: /^No resources found/ },
  { run: ['delete', 'imgrepo', '-l', 'none=1'], says: /^No resources found/ },
  { run: ['delete', '-f', '-'], input: PLAIN, says: /"app" deleted/ },
  { run: ['delete', 'imgrepo', 'app'], says: /"app" not found/, code: 1 },
  { run: ['delete', 'imgrepo', 'app', '--ignore-not-found'], says: /^$/ },
];

overBothServers('kubectl', ['kubectl'], (server, ask) => {
  let namespace: string;
  const kubectl = useKubectl(server, () => namespace);
  before(async () => {
    namespace = await server.createNamespace();
  });

  for (const { run, says, code = 0, ...options } of STEPS) {
    test(`kubectl ${run.join(' ')}`, async () => {
      const outcome = await kubectl(run, options);
      assert.match(outcome.output, says);
      assert.equal(outcome.code, code, outcome.output);
    });
  }

  test('wait: a condition, and a deletion that a finalizer holds up', async () => {
    await kubectl(['apply', '-f', '-'], { input: PLAIN });
    const path = `${repositories(namespace)}/app`;
    const ready = kubectl(['wait', '--for=condition=ready', NAME, '--timeout=20s']);
    const condition = {
      type: 'Ready',
      status: 'True',
      reason: 'Succeeded',
      message: 'ok',
      lastTransitionTime: '2024-01-01T00:00:00Z',
    };
    const status = { observedGeneration: 1, conditions: [condition] };
    await ask(`${path}/status`, { method: 'PATCH', body: { status }, contentType: MERGE });
    assert.match((await ready).output, /condition met$/);
    const finalizers = (value: string[] | null) =>
      ask(path, { method: 'PATCH', body: { metadata: { finalizers: value } }, contentType: MERGE });
    await finalizers(['a.b/c']);
    const marked = await kubectl(['delete', 'imgrepo', 'app', '--wait=false']);
    assert.match(marked.output, /"app" deleted/);
    const gone = kubectl(['wait', '--for=delete', NAME, '--timeout=20s']);
    await finalizers(null);
    assert.equal((await gone).code, 0);
  });

  test('describe shows the events of the object', async () => {
    await kubectl(['apply', '-f', '-'], { input: PLAIN });
    const { json } = await ask(`${repositories(namespace)}/app`);
    const { name, uid } = json.metadata;
    const body = {
      metadata: { name: 'app.1' },
      involvedObject: { apiVersion: json.apiVersion, kind: json.kind, name, namespace, uid },
      type: 'Normal',
      reason: 'Succeeded',
      message: 'successful scan: found 5 tags',
      source: { component: 'image-reflector-controller' },
      firstTimestamp: json.metadata.creationTimestamp,
      lastTimestamp: json.metadata.creationTimestamp,
      count: 1,
    };
    await ask(`/api/v1/namespaces/${namespace}/events`, { method: 'POST', body });
    const { output } = await kubectl(['describe', 'imgrepo', 'app']);
    assert.match(
      output,
      /Normal +Succeeded +\d+s +image-reflector-controller +successful scan: found 5 tags/,
    );
    assert.match(
      (await kubectl(['get', 'events'])).output,
      /Succeeded +imagerepository\/app +successful scan/,
    );
  });
});
