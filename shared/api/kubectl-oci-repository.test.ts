/** What people see of `OCIRepository` through kubectl, the commands of its founding document, and that no version loses a field. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { columnsOf, useKubectl } from '../../test/api/kubectl.ts';
import { MERGE, overBothServers } from '../../test/api/servers.ts';

const GROUP = 'source.toolkit.fluxcd.io';
const HEX = '3b6cdcc7adcc9a84d3214ee1c029543789d90b5ae69debe9efa3f66e982875de';
const MESSAGE = `stored artifact for digest 'latest@sha256:${HEX}'`;

const SPEC = {
  url: 'oci://ghcr.io/acme/web',
  interval: '10m',
  timeout: '1h',
  provider: 'aws',
  ref: { tag: 'v1', semver: '1.x', semverFilter: 'rc', digest: `sha256:${HEX}` },
  layerSelector: { mediaType: 'a/b', operation: 'copy' },
  ignore: '',
  proxySecretRef: { name: 'proxy' },
  insecure: true,
  verify: { provider: 'cosign', trustedRootSecretRef: { name: 'root' } },
};

const STATUS = {
  observedGeneration: 1,
  conditions: ['Ready', 'ArtifactInStorage'].map((type) => ({
    type,
    status: 'True',
    reason: 'Succeeded',
    message: MESSAGE,
    lastTransitionTime: '2026-01-05T10:00:07Z',
  })),
  url: 'http://base/ocirepository/apps/web/latest.tar.gz',
  artifact: {
    path: `ocirepository/apps/web/${HEX}.tar.gz`,
    url: `http://base/ocirepository/apps/web/${HEX}.tar.gz`,
    revision: `latest@sha256:${HEX}`,
    digest: `sha256:${HEX}`,
    checksum: HEX,
    size: 3190,
    lastUpdateTime: '2026-01-05T10:00:07Z',
    metadata: { 'org.opencontainers.image.source': 'https://git.example.com/web.git' },
  },
  contentConfigChecksum: `sha256:${HEX}`,
  observedIgnore: '',
  observedLayerSelector: {},
  lastHandledReconcileAt: 't9',
};

/** As the document has them, each with what its section is about. */
const DOCUMENTED: [about: string, spec: string][] = [
  ['the first example', 'ref:\n    tag: latest'],
  ['a tag', 'ref:\n    tag: "0.0.1"'],
  ['a range', 'ref:\n    semver: ">=1.0.0"'],
  ['a digest', `ref:\n    digest: "sha256:${HEX}"`],
  [
    'excluding files',
    'ignore: |\n    # exclude all\n    /*\n    # include deploy dir\n    !/deploy\n    # exclude file extensions from deploy dir\n    /deploy/**/*.md\n    /deploy/**/*.txt',
  ],
  ['suspending', 'suspend: true'],
];
const documented = (spec: string) => `---
apiVersion: source.toolkit.fluxcd.io/v1beta2
kind: OCIRepository
metadata:
  name: podinfo
spec:
  interval: 5m0s
  url: oci://ghcr.io/stefanprodan/manifests/podinfo
  ${spec}
`;

overBothServers('kubectl and OCIRepository', ['kubectl'], (server, ask) => {
  let namespace: string;
  const path = (version: string, name = '') =>
    `/apis/${GROUP}/${version}/namespaces/${namespace}/ocirepositories${name && `/${name}`}`;
  const kubectl = useKubectl(server, () => namespace);
  const run = async (args: string[], input?: string) => {
    const { code, output } = await kubectl(args, input === undefined ? {} : { input });
    assert.equal(code, 0, output);
    return output;
  };
  const patch = async (version: string, name: string, body: unknown) => {
    const reply = await ask(path(version, name), { method: 'PATCH', body, contentType: MERGE });
    assert.equal(reply.status, 200, JSON.stringify(reply.json));
  };

  before(async () => {
    namespace = await server.createNamespace();
    const body = { apiVersion: `${GROUP}/v1`, kind: 'OCIRepository', metadata: { name: 'web' }, spec: SPEC };
    assert.equal((await ask(path('v1'), { method: 'POST', body })).status, 201);
    await patch('v1', 'web/status', { status: STATUS });
  });

  test('get shows the same columns in both versions, under every name', async () => {
    for (const name of [
      'ocirepository',
      'ocirepo',
      `ocirepositories.v1.${GROUP}`,
      `ocirepositories.v1beta2.${GROUP}`,
    ]) {
      const output = (await run(['get', name, 'web'])).replace(/^Warning: .*\n/gm, '');
      assert.deepEqual(columnsOf(output), ['NAME', 'URL', 'READY', 'STATUS', 'AGE']);
      assert.ok(
        /^web +oci:\/\/ghcr\.io\/acme\/web +True +stored artifact for digest 'latest@sha256:3b6c/m.test(
          output,
        ),
        output,
      );
    }
  });

  test('the older version warns', async () => {
    const output = await run(['get', `ocirepositories.v1beta2.${GROUP}`, 'web']);
    assert.match(output, /Warning: v1beta2 OCIRepository is deprecated, upgrade to v1/);
  });

  test('explain tells what a field is for', async () => {
    const output = await run(['explain', 'ocirepo.spec.layerSelector.operation']);
    assert.match(output, /ENUM:\s+extract\s+copy/);
  });

  test('a write through the older version loses no field', async () => {
    await patch('v1beta2', 'web', { spec: { interval: '7m' } });
    await patch('v1beta2', 'web/status', { status: { lastHandledReconcileAt: 'v1beta2' } });
    const { json } = await ask(path('v1', 'web'));
    assert.deepEqual(json.spec, { ...SPEC, interval: '7m' });
    assert.deepEqual(json.status, { ...STATUS, lastHandledReconcileAt: 'v1beta2' });
  });

  for (const [about, spec] of DOCUMENTED) {
    test(`the manifest of the document about ${about}`, async () => {
      await run(['apply', '-f', '-'], documented(spec));
      assert.match(await run(['get', 'ocirepository', 'podinfo']), /podinfo +oci:\/\/ghcr\.io\/stefanprodan/);
      await run(['delete', 'ocirepository', 'podinfo']);
    });
  }

  test('the commands of the document', async () => {
    const mine = ['--field-manager=flux-client-side-apply', '--overwrite', 'ocirepository/web'];
    await run(['annotate', ...mine, 'reconcile.fluxcd.io/requestedAt=1718012345']);
    await patch('v1', 'web/status', { status: { observedGeneration: 2 } });
    await run(['wait', 'ocirepository/web', '--for=condition=ready', '--timeout=1m']);
    await run([
      'create',
      'secret',
      'generic',
      'tls-certs',
      '--from-literal=certFile=a',
      '--from-literal=keyFile=b',
    ]);
    const events = await run([
      'get',
      'events',
      '--field-selector',
      'involvedObject.kind=OCIRepository,involvedObject.name=web',
    ]);
    assert.match(events, /No resources found/);
    const suspend = ['--field-manager=flux-client-side-apply', '-p', '{"spec": {"suspend" : true }}'];
    await run(['patch', 'ocirepository', 'web', '--type=merge', ...suspend]);
    const { code, output } = await kubectl(['patch', 'ocirepository', 'web', ...suspend]);
    assert.equal(code, 1, 'a custom resource knows no strategic merge: the document leaves --type=merge out');
    assert.match(output, /strategic-merge-patch\+json is not supported/);
  });
});
