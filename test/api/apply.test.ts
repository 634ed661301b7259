/** Server-side apply: creation, ownership, conflicts, and what an applier stops to want. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { APPLY, causes, MERGE, overBothServers, repositories, repository } from './servers.ts';

overBothServers('server-side apply', [], (server, ask) => {
  let namespace: string;
  let all: string;
  before(async () => {
    namespace = await server.createNamespace();
    all = repositories(namespace);
  });

  const apply = (name: string, fieldManager: string | undefined, spec: object, more: object = {}) =>
    ask(`${all}/${name}`, {
      method: 'PATCH',
      contentType: APPLY,
      query: { fieldManager, ...(more as { force?: boolean }) },
      body: { ...repository(name), spec },
    });
  const minimal = { image: 'a', interval: '1m' };

  test('creates with 201, and owns what it set', async () => {
    const { status, json } = await apply('created', 'me', { ...minimal, secretRef: { name: 'x' } });
    assert.equal(status, 201);
    const [{ time, ...entry }] = json.metadata.managedFields;
    assert.ok(Date.parse(time));
    assert.deepEqual(entry, {
      apiVersion: 'image.toolkit.fluxcd.io/v1',
      fieldsType: 'FieldsV1',
      fieldsV1: { 'f:spec': { 'f:image': {}, 'f:interval': {}, 'f:secretRef': { 'f:name': {} } } },
      manager: 'me',
      operation: 'Apply',
    });
  });

  test('again the same: nothing is written', async () => {
    await apply('same', 'me', { ...minimal, suspend: true });
    const first = await apply('same', 'me', minimal);
    const second = await apply('same', 'me', minimal);
    assert.equal(second.status, 200);
    assert.equal(second.json.metadata.resourceVersion, first.json.metadata.resourceVersion);
  });

  test('a field that the applier drops is removed, with its empty parent', async () => {
    await apply('dropped', 'me', { ...minimal, suspend: true, secretRef: { name: 'x' } });
    const { json } = await apply('dropped', 'me', minimal);
    assert.equal(json.spec.suspend, undefined);
    assert.equal(json.spec.secretRef, undefined);
    assert.equal(json.metadata.generation, 2);
  });

  test('another value of an owned field is a conflict that names field and owner', async () => {
    await apply('conflict', 'me', minimal);
    const refused = await apply('conflict', 'you', { image: 'b', interval: '1m' });
    assert.equal(refused.status, 409);
    assert.equal(refused.json.reason, 'Conflict');
    assert.deepEqual(causes(refused), ['.spec.image FieldManagerConflict']);
    assert.equal(refused.json.message, 'Apply failed with 1 conflict: conflict with "me": .spec.image');
    const forced = await apply('conflict', 'you', { image: 'b', interval: '1m' }, { force: true });
    assert.equal(forced.json.spec.image, 'b');
    const owners = forced.json.metadata.managedFields.map((entry: { manager: string; fieldsV1: object }) => [
      entry.manager,
      Object.keys((entry.fieldsV1 as Record<string, object>)['f:spec']!),
    ]);
    assert.deepEqual(owners, [
      ['me', ['f:interval']],
      ['you', ['f:image', 'f:interval']],
    ]);
  });

  test('an update takes fields over; a later apply of another value conflicts with it', async () => {
    await apply('updated', 'me', minimal);
    const body = { spec: { interval: '9m' } };
    const query = { fieldManager: 'editor' };
    await ask(`${all}/updated`, { method: 'PATCH', contentType: MERGE, body, query });
    const refused = await apply('updated', 'me', { image: 'a', interval: '2m' });
    assert.equal(refused.status, 409);
    assert.match(refused.json.message, /conflict with "editor" using image\.toolkit\.fluxcd\.io\/v1/);
    assert.deepEqual(causes(refused), ['.spec.interval FieldManagerConflict']);
  });

  test('labels of several appliers live side by side', async () => {
    const labelled = (fieldManager: string, labels: object) =>
      ask(`${all}/labels`, {
        method: 'PATCH',
        contentType: APPLY,
        query: { fieldManager },
        body: repository('labels', {}, { labels }),
      });
    await labelled('me', { a: '1', shared: 'x' });
    await labelled('you', { b: '2', shared: 'x' });
    const { json } = await labelled('me', { a: '1' });
    assert.deepEqual(json.metadata.labels, { a: '1', b: '2', shared: 'x' });
    const last = await labelled('you', { b: '2' });
    assert.deepEqual(last.json.metadata.labels, { a: '1', b: '2' });
  });

  test('status has owners of its own', async () => {
    await apply('status', 'me', minimal);
    const body = { status: { observedGeneration: 1 } };
    const query = { fieldManager: 'controller' };
    const { json } = await ask(`${all}/status/status`, { method: 'PATCH', contentType: MERGE, body, query });
    const entry = json.metadata.managedFields.find(
      (each: { manager: string }) => each.manager === 'controller',
    );
    assert.equal(entry.subresource, 'status');
    assert.deepEqual(entry.fieldsV1, { 'f:status': { 'f:observedGeneration': {} } });
  });

  test('YAML is accepted', async () => {
    const body =
      'apiVersion: image.toolkit.fluxcd.io/v1\nkind: ImageRepository\nmetadata:\n  name: yaml\nspec:\n  image: a\n  interval: 1m\n';
    const query = { fieldManager: 'me' };
    const { status } = await ask(`${all}/yaml`, { method: 'PATCH', contentType: APPLY, body, query });
    assert.equal(status, 201);
  });

  test('refused: no manager, no name, broken rules', async () => {
    assert.equal((await apply('refused', undefined, minimal)).status, 422);
    const query = { fieldManager: 'me' };
    const nameless = { ...repository(''), metadata: {} };
    const reply = await ask(`${all}/refused`, { method: 'PATCH', contentType: APPLY, query, body: nameless });
    assert.equal(reply.status, 400);
    const invalid = await apply('refused', 'me', { interval: '1m' });
    assert.equal(invalid.status, 422);
    assert.deepEqual(causes(invalid), ['spec.image FieldValueRequired']);
  });

  test('finalizers are a set, built-in objects are applied too', async () => {
    const path = `/api/v1/namespaces/${namespace}/configmaps/c`;
    const applied = (fieldManager: string, finalizers: string[], data: object) =>
      ask(path, {
        method: 'PATCH',
        contentType: APPLY,
        query: { fieldManager },
        body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c', finalizers }, data },
      });
    assert.equal((await applied('me', ['a.b/c'], { x: '1' })).status, 201);
    const both = await applied('you', ['d.e/f'], { y: '2' });
    assert.deepEqual(both.json.metadata.finalizers, ['a.b/c', 'd.e/f']);
    assert.deepEqual(both.json.data, { x: '1', y: '2' });
    const left = await applied('me', [], {});
    assert.deepEqual(left.json.metadata.finalizers, ['d.e/f']);
    assert.deepEqual(left.json.data, { y: '2' });
  });

  test('kubectl takes over what it applied client-side, and nothing else', async () => {
    const manifest = repository('migrated', minimal);
    const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify(manifest) };
    const query = { fieldManager: 'kubectl-client-side-apply' };
    await ask(all, { method: 'POST', body: repository('migrated', minimal, { annotations }), query });
    assert.equal((await apply('migrated', 'other', { ...minimal, interval: '2m' })).status, 409);
    assert.equal((await apply('migrated', 'kubectl', { ...minimal, interval: '2m' })).status, 200);
    const refused = await apply('migrated', 'kubectl', { ...minimal, provider: 'aws' });
    assert.deepEqual(causes(refused), ['.spec.provider FieldManagerConflict']);
  });
});
