/** Tables, metadata alone, discovery and OpenAPI: what kubectl reads beside objects. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { MERGE, overBothServers, repositories, repository, TABLE } from './servers.ts';

const AGGREGATED = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json';
const METADATA = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json';
const METADATA_LIST = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json';

overBothServers('tables and discovery', [], (server, ask) => {
  let namespace: string;
  let all: string;
  before(async () => {
    namespace = await server.createNamespace();
    all = repositories(namespace);
    await ask(all, { method: 'POST', body: repository('a') });
    const conditions = [
      {
        type: 'Ready',
        status: 'True',
        reason: 'Succeeded',
        message: 'successful scan: found 5 tags',
        lastTransitionTime: '2024-01-01T00:00:00Z',
      },
    ];
    const lastScanResult = { tagCount: 5, scanTime: '2024-01-01T00:00:00Z' };
    const body = { status: { observedGeneration: 1, conditions, lastScanResult } };
    await ask(`${all}/a/status`, { method: 'PATCH', body, contentType: MERGE });
    await ask(all, { method: 'POST', body: repository('b') });
  });

  test('printer columns with names, types and priorities', async () => {
    const { json } = await ask(all, { accept: TABLE });
    assert.equal(json.kind, 'Table');
    assert.equal(json.apiVersion, 'meta.k8s.io/v1');
    const columns = json.columnDefinitions.map((column: { name: string; type: string; priority: number }) => [
      column.name,
      column.type,
      column.priority,
    ]);
    assert.deepEqual(columns, [
      ['Name', 'string', 0],
      ['Image', 'string', 0],
      ['Tags', 'string', 0],
      ['Ready', 'string', 0],
      ['Status', 'string', 0],
      ['Last scan', 'string', 1],
      ['Age', 'date', 0],
    ]);
  });

  test('cells: values, and null where there is nothing', async () => {
    const { json } = await ask(all, { accept: TABLE });
    const [ready, fresh] = json.rows.map(({ cells }: { cells: unknown[] }) => cells);
    const image = 'ghcr.io/stefanprodan/podinfo';
    const message = 'successful scan: found 5 tags';
    assert.deepEqual(ready.slice(0, -1), ['a', image, '5', 'True', message, '2024-01-01T00:00:00Z']);
    assert.match(ready.at(-1), /^\d+s$/);
    assert.deepEqual(fresh.slice(0, -1), ['b', image, null, null, null, null]);
  });

  test('rows carry metadata, the object, or nothing', async () => {
    const first = async (query: { includeObject?: string }) =>
      (await ask(all, { accept: TABLE, query })).json.rows[0].object;
    const metadata = await first({});
    assert.equal(metadata.kind, 'PartialObjectMetadata');
    assert.equal(metadata.metadata.name, 'a');
    assert.equal(metadata.spec, undefined);
    assert.equal((await first({ includeObject: 'Object' })).spec.interval, '10m');
    assert.equal(await first({ includeObject: 'None' }), null);
    assert.equal((await ask(all, { accept: TABLE, query: { includeObject: 'x' } })).status, 400);
  });

  test('a table of one object, and metadata alone', async () => {
    const one = await ask(`${all}/a`, { accept: TABLE });
    assert.deepEqual(
      one.json.rows.map((row: { cells: unknown[] }) => row.cells[0]),
      ['a'],
    );
    const alone = await ask(`${all}/a`, { accept: METADATA });
    assert.equal(alone.json.kind, 'PartialObjectMetadata');
    assert.equal(alone.json.spec, undefined);
    const list = await ask(all, { accept: METADATA_LIST });
    assert.equal(list.json.kind, 'PartialObjectMetadataList');
    assert.equal(list.json.items.length, 2);
  });

  const builtins: [plural: string, root: string, columns: string[]][] = [
    ['namespaces', '/api/v1', ['Name', 'Status', 'Age']],
    ['secrets', '/api/v1', ['Name', 'Type', 'Data', 'Age']],
    ['configmaps', '/api/v1', ['Name', 'Data', 'Age']],
    ['serviceaccounts', '/api/v1', ['Name', 'Age']],
    ['leases', '/apis/coordination.k8s.io/v1', ['Name', 'Holder', 'Age']],
    ['customresourcedefinitions', '/apis/apiextensions.k8s.io/v1', ['Name', 'Created At']],
    [
      'events',
      '/api/v1',
      [
        'Last Seen',
        'Type',
        'Reason',
        'Object',
        'Subobject',
        'Source',
        'Message',
        'First Seen',
        'Count',
        'Name',
      ],
    ],
  ];
  for (const [plural, root, columns] of builtins) {
    test(`columns of ${plural}`, async () => {
      const { json } = await ask(`${root}/${plural}`, { accept: TABLE });
      assert.deepEqual(
        json.columnDefinitions.map(({ name }: { name: string }) => name),
        columns,
      );
    });
  }

  test('discovery names our kinds in every form', async () => {
    const group = 'image.toolkit.fluxcd.io';
    const { json } = await ask(`/apis/${group}`);
    assert.deepEqual(
      json.versions.map(({ version }: { version: string }) => version),
      ['v1', 'v1beta2', 'v1beta1'],
    );
    assert.equal(json.preferredVersion.version, 'v1');
    const resources = (await ask(`/apis/${group}/v1`)).json.resources;
    const repository = resources.find(({ name }: { name: string }) => name === 'imagerepositories');
    assert.deepEqual(repository.shortNames, ['imgrepo', 'imagerepo']);
    assert.equal(repository.singularName, 'imagerepository');
    assert.ok(repository.categories.includes('all'));
    assert.deepEqual(repository.verbs.toSorted(), [
      'create',
      'delete',
      'deletecollection',
      'get',
      'list',
      'patch',
      'update',
      'watch',
    ]);
    assert.ok(resources.some(({ name }: { name: string }) => name === 'imagerepositories/status'));
    const groups = (await ask('/apis')).json.groups.map(({ name }: { name: string }) => name);
    assert.ok(groups.includes(group));
    const all = (await ask('/apis', { accept: AGGREGATED })).json;
    assert.equal(all.kind, 'APIGroupDiscoveryList');
    const ours = all.items.find((item: { metadata: { name: string } }) => item.metadata.name === group);
    assert.deepEqual(ours.versions[0].resources[0].subresources[0].verbs, ['get', 'patch', 'update']);
    const core = (await ask('/api', { accept: AGGREGATED })).json.items[0].versions[0];
    assert.ok(core.resources.some(({ resource }: { resource: string }) => resource === 'secrets'));
    assert.equal((await ask('/apis/nothing.example.com')).status, 404);
  });

  test('the version is the Kubernetes release whose API is served', async () => {
    const { json } = await ask('/version');
    assert.deepEqual([json.major, json.minor], ['1', '36']);
    assert.match(json.gitVersion, /^v1\.36\.\d+/);
    assert.equal((await ask('/readyz')).json, 'ok');
  });

  test('OpenAPI says that PATCH validates fields, and describes the kind', async () => {
    const index = (await ask('/openapi/v3')).json.paths;
    const path = 'apis/image.toolkit.fluxcd.io/v1';
    const { pathname } = new URL(index[path].serverRelativeURL, 'https://localhost');
    const document = (await ask(pathname)).json;
    const one = document.paths[`/${path}/namespaces/{namespace}/imagerepositories/{name}`];
    const names = one.patch.parameters.map(({ name }: { name: string }) => name);
    assert.ok(names.includes('fieldValidation'));
    assert.equal(one.patch['x-kubernetes-group-version-kind'].kind, 'ImageRepository');
    const schema = document.components.schemas['io.fluxcd.toolkit.image.v1.ImageRepository'];
    assert.equal(schema.properties.spec.properties.interval.type, 'string');
    assert.ok(index['api/v1']);
  });
});
