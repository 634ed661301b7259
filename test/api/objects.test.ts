/** Create, read, update, status, generation: the life of an object, and every refusal on its way. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { causes, MERGE, overBothServers, repositories, repository } from './servers.ts';

overBothServers('objects', [], (server, ask) => {
  let namespace: string;
  let all: string;
  before(async () => {
    namespace = await server.createNamespace();
    all = repositories(namespace);
  });

  test('a created object has what the server adds: defaults, identity, generation', async () => {
    const reply = await ask(all, { method: 'POST', body: repository('created') });
    assert.equal(reply.status, 201);
    const { metadata, spec, status } = reply.json;
    assert.deepEqual(spec, {
      exclusionList: ['^.*\\.sig$'],
      image: 'ghcr.io/stefanprodan/podinfo',
      interval: '10m',
      provider: 'generic',
    });
    assert.deepEqual(status, { observedGeneration: -1 });
    assert.equal(metadata.generation, 1);
    assert.equal(metadata.namespace, namespace);
    assert.match(metadata.uid, /^[0-9a-f-]{36}$/);
    assert.match(metadata.resourceVersion, /^\d+$/);
    assert.match(metadata.creationTimestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    assert.deepEqual((await ask(`${all}/created`)).json, reply.json);
  });

  test('every version shows the same object', async () => {
    await ask(all, { method: 'POST', body: repository('versions') });
    const v1 = await ask(`${all}/versions`);
    for (const version of ['v1beta2', 'v1beta1']) {
      const other = await ask(`${repositories(namespace, version)}/versions`);
      assert.equal(other.status, 200);
      assert.deepEqual(other.json, { ...v1.json, apiVersion: `image.toolkit.fluxcd.io/${version}` });
    }
  });

  test('a status in the body of a creation is dropped', async () => {
    const body = { ...repository('with-status'), status: { canonicalImageName: 'x' } };
    const reply = await ask(all, { method: 'POST', body });
    assert.deepEqual(reply.json.status, { observedGeneration: -1 });
  });

  test('generateName gives a name', async () => {
    const body = repository('', {}, { name: undefined, generateName: 'made-' });
    const reply = await ask(all, { method: 'POST', body });
    assert.match(reply.json.metadata.name, /^made-[a-z0-9]{5}$/);
  });

  test('the status path writes the status only, the main path everything else', async () => {
    await ask(all, { method: 'POST', body: repository('halves') });
    const status = { observedGeneration: 1, canonicalImageName: 'ghcr.io/a' };
    const patch = { metadata: { labels: { a: 'b' } }, spec: { interval: '99m' }, status };
    const first = await ask(`${all}/halves/status`, { method: 'PATCH', body: patch, contentType: MERGE });
    assert.deepEqual(first.json.status, status);
    assert.equal(first.json.spec.interval, '10m');
    assert.equal(first.json.metadata.labels, undefined);
    assert.equal(first.json.metadata.generation, 1);
    const other = { spec: { suspend: true }, status: { canonicalImageName: 'other' } };
    const second = await ask(`${all}/halves`, { method: 'PATCH', body: other, contentType: MERGE });
    assert.equal(second.json.status.canonicalImageName, 'ghcr.io/a');
    assert.equal(second.json.metadata.generation, 2);
  });

  test('generation counts changes of spec, not of metadata', async () => {
    await ask(all, { method: 'POST', body: repository('generation') });
    const labelled = { metadata: { labels: { a: 'b' }, annotations: { c: 'd' } } };
    const one = await ask(`${all}/generation`, { method: 'PATCH', body: labelled, contentType: MERGE });
    assert.equal(one.json.metadata.generation, 1);
    const changed = { spec: { interval: '5m' } };
    const two = await ask(`${all}/generation`, { method: 'PATCH', body: changed, contentType: MERGE });
    assert.equal(two.json.metadata.generation, 2);
  });

  test('a write that changes nothing keeps the resource version', async () => {
    await ask(all, { method: 'POST', body: repository('quiet') });
    // The real server stores the default of status with the first update only.
    const spec = { suspend: true };
    const created = await ask(`${all}/quiet`, { method: 'PATCH', body: { spec }, contentType: MERGE });
    const again = await ask(`${all}/quiet`, { method: 'PATCH', body: {}, contentType: MERGE });
    assert.equal(again.status, 200);
    assert.equal(again.json.metadata.resourceVersion, created.json.metadata.resourceVersion);
    const put = await ask(`${all}/quiet`, { method: 'PUT', body: created.json });
    assert.equal(put.json.metadata.resourceVersion, created.json.metadata.resourceVersion);
  });

  test('replace needs the version that is stored', async () => {
    const { json } = await ask(all, { method: 'POST', body: repository('replaced') });
    const put = (metadata: object, spec: object = json.spec) =>
      ask(`${all}/replaced`, {
        method: 'PUT',
        body: { ...json, spec, metadata: { ...json.metadata, ...metadata } },
      });
    const missing = await put({ resourceVersion: undefined });
    assert.equal(missing.status, 422);
    assert.deepEqual(causes(missing), ['metadata.resourceVersion FieldValueInvalid']);
    const old = await put({ resourceVersion: '1' });
    assert.equal(old.status, 409);
    assert.equal(old.json.reason, 'Conflict');
    assert.equal((await put({ uid: 'other' })).status, 409);
    const good = await put({}, { ...json.spec, interval: '1h' });
    assert.equal(good.status, 200);
    assert.equal(good.json.spec.interval, '1h');
    assert.notEqual(good.json.metadata.resourceVersion, json.metadata.resourceVersion);
  });

  test('a merge patch with a resource version is guarded by it', async () => {
    const { json } = await ask(all, { method: 'POST', body: repository('guarded') });
    const patch = (resourceVersion: string) =>
      ask(`${all}/guarded`, {
        method: 'PATCH',
        contentType: MERGE,
        body: { metadata: { resourceVersion }, spec: { suspend: true } },
      });
    assert.equal((await patch('1')).json.reason, 'Conflict');
    assert.equal((await patch(json.metadata.resourceVersion)).status, 200);
    assert.equal((await patch(json.metadata.resourceVersion)).status, 409);
  });

  test('dry runs answer like real ones and store nothing', async () => {
    const query = { dryRun: 'All' };
    const created = await ask(all, { method: 'POST', body: repository('dry'), query });
    assert.equal(created.status, 201);
    assert.equal(created.json.spec.provider, 'generic');
    assert.equal((await ask(`${all}/dry`)).status, 404);
    await ask(all, { method: 'POST', body: repository('dry') });
    const taken = await ask(all, { method: 'POST', body: repository('dry'), query });
    assert.equal(taken.status, 409);
    const body = { spec: { suspend: true } };
    const patched = await ask(`${all}/dry`, { method: 'PATCH', body, contentType: MERGE, query });
    assert.equal(patched.json.spec.suspend, true);
    await ask(`${all}/dry`, { method: 'DELETE', query });
    assert.equal((await ask(`${all}/dry`)).json.spec.suspend, undefined);
    const other = await ask(all, { method: 'POST', body: repository('dry2'), query: { dryRun: 'Some' } });
    assert.equal(other.status, 422);
  });

  test('unknown fields: dropped with a warning, silently, or refused', async () => {
    const post = (name: string, fieldValidation?: string) =>
      ask(all, {
        method: 'POST',
        body: repository(name, { foo: 1, secretRef: { name: 'a', bar: 2 } }, { baz: 3 }),
        query: { fieldValidation },
      });
    const warned = await post('warned');
    assert.equal(warned.status, 201);
    assert.match(warned.warnings, /unknown field \\"spec\.foo\\"/);
    assert.match(warned.warnings, /unknown field \\"spec\.secretRef\.bar\\"/);
    assert.equal(warned.json.spec.foo, undefined);
    assert.deepEqual(warned.json.spec.secretRef, { name: 'a' });
    assert.doesNotMatch((await post('ignored', 'Ignore')).warnings, /unknown/);
    const refused = await post('strict', 'Strict');
    assert.equal(refused.status, 400);
    assert.equal(refused.json.reason, 'BadRequest');
    assert.match(refused.json.message, /strict decoding error: .*unknown field "spec\.foo"/);
    assert.match(refused.json.message, /unknown field "metadata\.baz"/);
  });

  const invalidSpecs: [why: string, spec: object, field: string][] = [
    ['no image', { image: undefined }, 'spec.image FieldValueRequired'],
    ['an image that is no text', { image: 5 }, 'spec.image FieldValueTypeInvalid'],
    ['an interval without unit', { interval: '5' }, 'spec.interval FieldValueInvalid'],
    ['a signed interval', { interval: '-1m' }, 'spec.interval FieldValueInvalid'],
    ['hours in the timeout', { timeout: '1h' }, 'spec.timeout FieldValueInvalid'],
    ['an upper-case provider', { provider: 'AWS' }, 'spec.provider FieldValueNotSupported'],
    ['26 patterns', { exclusionList: Array(26).fill('a') }, 'spec.exclusionList FieldValueTooMany'],
    ['a selector without list', { accessFrom: {} }, 'spec.accessFrom.namespaceSelectors FieldValueRequired'],
    ['a text as flag', { suspend: 'yes' }, 'spec.suspend FieldValueTypeInvalid'],
    ['a text as reference', { secretRef: 'a' }, 'spec.secretRef FieldValueTypeInvalid'],
    [
      'a long account name',
      { serviceAccountName: 'a'.repeat(254) },
      'spec.serviceAccountName FieldValueTooLong',
    ],
  ];
  for (const [why, spec, field] of invalidSpecs) {
    test(`refused: ${why}`, async () => {
      const reply = await ask(all, { method: 'POST', body: repository('refused', spec) });
      assert.equal(reply.status, 422);
      assert.equal(reply.json.reason, 'Invalid');
      assert.deepEqual(causes(reply), [field]);
      assert.equal(reply.json.details.kind, 'ImageRepository');
    });
  }

  const invalidMetas: [why: string, metadata: object, field: string][] = [
    ['no name', { name: undefined }, 'metadata.name FieldValueRequired'],
    ['an upper-case name', { name: 'A' }, 'metadata.name FieldValueInvalid'],
    ['a name with an underscore', { name: 'a_b' }, 'metadata.name FieldValueInvalid'],
    ['a label key with a space', { labels: { 'a b': 'c' } }, 'metadata.labels FieldValueInvalid'],
    ['a label value with a space', { labels: { a: 'b c' } }, 'metadata.labels FieldValueInvalid'],
    [
      'an annotation with an empty prefix',
      { annotations: { '/a': '' } },
      'metadata.annotations FieldValueInvalid',
    ],
    [
      'an owner without UID',
      { ownerReferences: [{ apiVersion: 'v1', kind: 'Secret', name: 'a', uid: '' }] },
      'metadata.ownerReferences.uid FieldValueInvalid',
    ],
  ];
  for (const [why, metadata, field] of invalidMetas) {
    test(`refused: ${why}`, async () => {
      const reply = await ask(all, { method: 'POST', body: repository('refused', {}, metadata) });
      assert.equal(reply.status, 422);
      assert.deepEqual(causes(reply), [field]);
    });
  }

  test('names and namespaces that cannot be', async () => {
    await ask(all, { method: 'POST', body: repository('here') });
    const again = await ask(all, { method: 'POST', body: repository('here') });
    assert.equal(again.status, 409);
    assert.equal(again.json.message, 'imagerepositories.image.toolkit.fluxcd.io "here" already exists');
    const nowhere = await ask(repositories('no-such'), { method: 'POST', body: repository('a') });
    assert.equal(nowhere.status, 404);
    assert.equal(nowhere.json.message, 'namespaces "no-such" not found');
    const elsewhere = await ask(all, { method: 'POST', body: repository('a', {}, { namespace: 'default' }) });
    assert.equal(elsewhere.status, 400);
    const rename = { metadata: { name: 'other' } };
    const renamed = await ask(`${all}/here`, { method: 'PATCH', body: rename, contentType: MERGE });
    assert.equal(renamed.status, 400);
    const missing = await ask(`${all}/missing`);
    assert.equal(missing.status, 404);
    assert.deepEqual(missing.json, {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: 'imagerepositories.image.toolkit.fluxcd.io "missing" not found',
      reason: 'NotFound',
      details: { name: 'missing', group: 'image.toolkit.fluxcd.io', kind: 'imagerepositories' },
      code: 404,
    });
  });

  test('bodies that are no object of the kind', async () => {
    const post = (body: unknown, contentType?: string) =>
      ask(all, { method: 'POST', body, ...(contentType && { contentType }) });
    assert.equal((await post('{bad')).status, 400);
    assert.equal((await post({})).status, 400);
    assert.equal((await post({ ...repository('a'), kind: 'Other' })).status, 422);
    assert.equal((await post({ ...repository('a'), apiVersion: 'v1' })).status, 400);
    assert.ok((await post(repository('a', {}, { resourceVersion: '5' }))).status >= 400);
  });

  test('YAML is read and written', async () => {
    const body = `apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageRepository
metadata: {name: yaml}
spec: {image: a, interval: 1m}
`;
    const created = await ask(all, { method: 'POST', body, contentType: 'application/yaml' });
    assert.equal(created.status, 201);
    const read = await ask(`${all}/yaml`, { accept: 'application/yaml' });
    assert.equal(read.contentType, 'application/yaml');
    assert.match(read.json, /\n {2}image: a\n/);
    assert.equal((await ask(`${all}/yaml`, { accept: 'text/html' })).status, 406);
  });

  test('paths and methods that do not exist get a Status', async () => {
    const paths: [string, string, number][] = [
      ['GET', `/api/v1/namespaces/${namespace}/gadgets`, 404],
      ['GET', '/apis/apps/v99/things', 404],
      ['GET', '/nothing', 404],
      ['PUT', '/version', 405],
      ['DELETE', '/api/v1/namespaces', 405],
      ['POST', `/api/v1/namespaces/${namespace}/configmaps/a`, 405],
      ['PUT', `/api/v1/namespaces/${namespace}/configmaps`, 405],
    ];
    for (const [method, path, status] of paths) {
      const body = method === 'GET' ? undefined : repository('a');
      const reply = await ask(path, { method: method as 'GET', body });
      assert.equal(reply.status, status, `${method} ${path}`);
    }
  });
});
