import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { applyDefaults, pruneUnknown, validate } from '../../../shared/api/admission.ts';
import { findKind } from '../../../shared/api/kinds.ts';
import { readManifests, resourceOf } from './manifests.ts';

const EXAMPLES = join(import.meta.dirname, '../../../examples');

async function folderWith(t: TestContext, files: Record<string, string>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'longshore-manifests-'));
  t.after(() => rm(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return folder;
}

test('all documents of all YAML files are read, in order', async (t) => {
  const object = (name: string) => `apiVersion: v1\nkind: Namespace\nmetadata: {name: ${name}}\n`;
  const folder = await folderWith(t, {
    'b.yaml': object('third-at-OLD'),
    'a.yaml': `# a comment\n---\n${object('first')}---\n${object('second')}`,
    'c.txt': 'not: ours',
  });
  const manifests = await readManifests(folder, (text) => text.replaceAll('OLD', 'new'));
  assert.deepEqual(
    manifests.map(({ metadata }) => metadata.name),
    ['first', 'second', 'third-at-new'],
  );
});

test('a file that is no YAML is named', async (t) => {
  const folder = await folderWith(t, { 'bad.yaml': 'a: [' });
  await assert.rejects(readManifests(folder), { message: /bad\.yaml: / });
});

test('a kind that no example should have is named', () => {
  const manifest = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'x' } };
  assert.throws(() => resourceOf(manifest), { message: "apps/v1 Deployment 'x': not a kind for an example" });
});

for (const manifest of await readManifests(EXAMPLES)) {
  const { apiVersion, kind, metadata } = manifest;
  test(`examples: ${kind} ${metadata.name} is what the API server takes as it is`, () => {
    resourceOf(manifest);
    const ours = findKind(apiVersion.split('/')[0]!, kind);
    if (!ours) return;
    const { object, unknown } = pruneUnknown(ours, manifest);
    assert.deepEqual(unknown, []);
    assert.deepEqual(validate(ours, applyDefaults(ours, object)), []);
  });
}
