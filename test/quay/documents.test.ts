/** The manifests of the founding document and of `docs/quay.md`, as they stand there, on both API servers. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { createMissing } from '../../infra/local/up/apply.ts';
import { type Manifest, resourceOf } from '../../infra/local/up/manifests.ts';
import { KubeError } from '../../shared/kube/errors.ts';
import { NAMESPACES, SECRETS, type Secret } from '../../shared/kube/resource.ts';
import type { ApiServerInUse } from '../parts/api-server.ts';
import { onEveryApiServer } from '../parts/api-servers.ts';

const DOCUMENTED_TOKEN = `kind: Secret
apiVersion: v1
metadata:
  name: quaytoken
  namespace: image-controller-system
data:
  organization: redhat-user-workloads
  quaytoken: redacted
type: Opaque
`;

const DOCUMENTED: Record<string, string> = {
  'a general purpose repository': `apiVersion: appstudio.redhat.com/v1alpha1
kind: ImageRepository
metadata:
  name: imagerepository-sample
  namespace: test-ns
`,
  'a repository for the builds of a Component': `apiVersion: appstudio.redhat.com/v1alpha1
kind: ImageRepository
metadata:
  name: imagerepository-for-component-sample
  namespace: test-ns
  labels:
    appstudio.redhat.com/component: my-component
    appstudio.redhat.com/application: my-app
`,
  'a Component with the deprecated annotation': `apiVersion: appstudio.redhat.com/v1alpha1
kind: Component
metadata:
  annotations:
    image.redhat.com/generate: '{"visibility": "public"}'
  name: billing
  namespace: image-controller-system
spec:
  application: city-transit
  componentName: billing
`,
};

/** Objects in the YAML blocks of the page that are whole manifests. */
function manifestsOfPage(): Manifest[] {
  const page = readFileSync(new URL('../../docs/quay.md', import.meta.url), 'utf8');
  const blocks = [...page.matchAll(/^( *)```yaml\n(.*?)^ *```$/gms)];
  const texts = blocks.map(([, indent = '', text = '']) =>
    text.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
  );
  return texts.filter((text) => text.startsWith('apiVersion:')).flatMap(parseManifests);
}

function parseManifests(text: string): Manifest[] {
  return parseAllDocuments(text).map((document) => document.toJS() as Manifest);
}

/** Into a namespace that no other test uses; everything else as it stands. */
async function create(api: ApiServerInUse, manifests: Manifest[]): Promise<string> {
  const namespace = await api.createNamespace();
  const moved = manifests
    .filter(({ kind }) => kind !== NAMESPACES.kind)
    .map((manifest) => ({ ...manifest, metadata: { ...manifest.metadata, namespace } }));
  assert.equal(await createMissing(api.kube, moved, new AbortController().signal), moved.length);
  return namespace;
}

onEveryApiServer((api) => {
  test('the documented token Secret is no Secret: its `data` is no base64', async () => {
    await assert.rejects(create(api, parseManifests(DOCUMENTED_TOKEN)), (error) => {
      assert.ok(error instanceof KubeError);
      assert.equal(error.status, 400);
      assert.match(error.message, /illegal base64 data/);
      return true;
    });
  });

  test('our page has it with `stringData`, and every API server takes it', async () => {
    const manifests = manifestsOfPage();
    assert.deepEqual(
      manifests.map(({ kind, metadata }) => `${kind} ${metadata.name}`),
      ['Namespace image-controller-system', 'Secret quaytoken', 'ImageRepository imagerepository-sample'],
    );
    const namespace = await create(api, manifests);
    const secret = await api.kube.get<Secret>(SECRETS, { namespace, name: 'quaytoken' });
    const documented = parseManifests(DOCUMENTED_TOKEN)[0] as Manifest & { data: Record<string, string> };
    const plain = Object.entries(secret?.data ?? {}).map(([key, value]) => [
      key,
      Buffer.from(value, 'base64').toString(),
    ]);
    assert.deepEqual(Object.fromEntries(plain), documented.data);
  });

  for (const [what, text] of Object.entries(DOCUMENTED)) {
    test(`as it stands in the document: ${what}`, async () => {
      const manifests = parseManifests(text);
      const namespace = await create(api, manifests);
      const { name } = manifests[0]!.metadata;
      const stored = await api.kube.get(resourceOf(manifests[0]!), { namespace, name });
      assert.deepEqual(
        stored?.metadata.labels,
        (manifests[0] as { metadata: { labels?: object } }).metadata.labels,
      );
    });
  }
});
