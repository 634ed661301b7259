/**
 * Every manifest and command of the founding documents that concerns the image kinds, as they stand there, on both
 * servers.
 */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { useKubectl } from './kubectl.ts';
import { overBothServers } from './servers.ts';

const MANIFESTS: [what: string, name: string, text: string][] = [
  [
    'a public image every ten minutes',
    'podinfo',
    `apiVersion: image.toolkit.fluxcd.io/v1beta1
kind: ImageRepository
metadata:
  name: podinfo
  namespace: flux-system
spec:
  interval: 10m
  image: ghcr.io/stefanprodan/podinfo
`,
  ],
  [
    'a private image every minute',
    'podinfo',
    `apiVersion: image.toolkit.fluxcd.io/v1beta1
kind: ImageRepository
metadata:
  name: podinfo
  namespace: flux-system
spec:
  interval: 1m0s
  image: docker.io/org/image
  secretRef:
    name: regcred
`,
  ],
  [
    'cross-namespace references from one namespace',
    'app1',
    `apiVersion: image.toolkit.fluxcd.io/v1beta1
kind: ImageRepository
metadata:
  name: app1
  namespace: apps
spec:
  interval: 5m
  image: docker.io/org/image
  secretRef:
    name: regcred
  accessFrom:
    namespaceSelectors:
      - matchLabels:
          kubernetes.io/metadata.name: flux-system
`,
  ],
  [
    'cross-namespace references from everywhere',
    'app1',
    `apiVersion: image.toolkit.fluxcd.io/v1beta1
kind: ImageRepository
metadata:
  name: app1
  namespace: apps
spec:
  interval: 5m
  image: docker.io/org/image
  accessFrom:
    namespaceSelectors:
      - matchLabels: {}
`,
  ],
];

/** The policy of the section on cross-namespace references. */
const POLICY = `apiVersion: image.toolkit.fluxcd.io/v1beta1
kind: ImagePolicy
metadata:
  name: app1
  namespace: flux-system
spec:
  imageRepositoryRef:
    name: app1
    namespace: apps
  policy:
    semver:
      range: 1.0.x
`;

const COMMANDS: [command: string[], says: RegExp][] = [
  [
    ['create', 'secret', 'docker-registry', 'regcred', '--docker-username=u', '--docker-password=p'],
    /^secret\/regcred created$/,
  ],
  [
    [
      'create',
      'secret',
      'generic',
      'client',
      '--from-file=certFile=client.crt',
      '--from-file=keyFile=client.key',
    ],
    /^secret\/client created$/,
  ],
  [
    [
      'create',
      'secret',
      'generic',
      'tls-certs',
      '--from-file=certFile=client.crt',
      '--from-file=keyFile=client.key',
      '--from-file=caFile=ca.crt',
    ],
    /^secret\/tls-certs created$/,
  ],
];

overBothServers('founding documents', ['kubectl'], (server, ask) => {
  let namespace: string;
  const kubectl = useKubectl(server, () => namespace);
  before(async () => {
    namespace = await server.createNamespace();
  });

  // The documents' namespaces may be in use on a shared server: each manifest goes into one of this suite.
  const here = (text: string) => text.replace(/^ {2}namespace: .*$/m, `  namespace: ${namespace}`);

  for (const [what, name, text] of MANIFESTS) {
    for (const apply of [['apply'], ['apply', '--server-side'], ['create']]) {
      test(`${what}: kubectl ${apply.join(' ')}`, async () => {
        const done = await kubectl([...apply, '-f', '-'], { input: here(text) });
        assert.equal(done.code, 0, done.output);
        const path = `/apis/image.toolkit.fluxcd.io/v1beta1/namespaces/${namespace}/imagerepositories/${name}`;
        const { json } = await ask(path);
        assert.equal(json.apiVersion, 'image.toolkit.fluxcd.io/v1beta1');
        assert.match(text, new RegExp(`interval: ${json.spec.interval}\n`));
        assert.equal((await kubectl(['delete', '-f', '-'], { input: here(text) })).code, 0);
      });
    }
  }

  test('a policy across namespaces: kubectl apply', async () => {
    const done = await kubectl(['apply', '-f', '-'], { input: here(POLICY) });
    assert.equal(done.code, 0, done.output);
    const path = `/apis/image.toolkit.fluxcd.io/v1beta1/namespaces/${namespace}/imagepolicies/app1`;
    const { json } = await ask(path);
    assert.deepEqual(json.spec.imageRepositoryRef, { name: 'app1', namespace: 'apps' });
    assert.deepEqual(json.spec.policy, { semver: { range: '1.0.x' } });
  });

  for (const [command, says] of COMMANDS) {
    test(`kubectl ${command.join(' ')}`, async () => {
      // The files of the document: any content will do.
      const run = command.map((part) => part.replace(/=(client|ca)\.\w+$/, `=${import.meta.filename}`));
      const { output, code } = await kubectl(run);
      assert.match(output, says);
      assert.equal(code, 0);
    });
  }

  test('a namespace has the readonly label kubernetes.io/metadata.name', async () => {
    const label = ['label', 'namespace', namespace, '--overwrite', 'kubernetes.io/metadata.name=other'];
    await kubectl(label);
    const { output } = await kubectl(['get', 'namespace', namespace, '-o', 'jsonpath={.metadata.labels}']);
    assert.deepEqual(JSON.parse(output), { 'kubernetes.io/metadata.name': namespace });
  });
});
