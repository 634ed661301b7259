/** The kinds of patches, and which resource takes which. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { JSON_PATCH, MERGE, overBothServers, repositories, repository, STRATEGIC } from './servers.ts';

overBothServers('patches', [], (server, ask) => {
  let namespace: string;
  let all: string;
  before(async () => {
    namespace = await server.createNamespace();
    all = repositories(namespace);
    await ask(all, { method: 'POST', body: repository('a', { secretRef: { name: 'x' } }) });
  });
  const patch = (path: string, body: unknown, contentType: string) =>
    ask(path, { method: 'PATCH', body, contentType });

  test('merge: adds, replaces, and removes with null', async () => {
    const body = { metadata: { labels: { a: 'b' } }, spec: { interval: '3m', secretRef: null } };
    const { json } = await patch(`${all}/a`, body, MERGE);
    assert.equal(json.spec.interval, '3m');
    assert.equal(json.spec.secretRef, undefined);
    assert.deepEqual(json.metadata.labels, { a: 'b' });
    const cleared = await patch(`${all}/a`, { metadata: { labels: { a: null } } }, MERGE);
    assert.equal(cleared.json.metadata.labels, undefined);
  });

  test('merge: lists are replaced, defaults come back', async () => {
    const set = await patch(`${all}/a`, { spec: { exclusionList: ['a', 'b'] } }, MERGE);
    assert.deepEqual(set.json.spec.exclusionList, ['a', 'b']);
    const reset = await patch(`${all}/a`, { spec: { exclusionList: null } }, MERGE);
    assert.deepEqual(reset.json.spec.exclusionList, ['^.*\\.sig$']);
  });

  test('JSON patch: every operation', async () => {
    const operations = [
      { op: 'add', path: '/metadata/annotations', value: { 'a/b': '1' } },
      { op: 'add', path: '/spec/exclusionList/-', value: 'two' },
      { op: 'add', path: '/spec/exclusionList/0', value: 'zero' },
      { op: 'replace', path: '/metadata/annotations/a~1b', value: '2' },
      { op: 'test', path: '/metadata/annotations/a~1b', value: '2' },
      { op: 'copy', from: '/spec/interval', path: '/spec/timeout' },
      { op: 'move', from: '/spec/exclusionList/1', path: '/spec/exclusionList/2' },
      { op: 'remove', path: '/spec/exclusionList/0' },
    ];
    const { status, json } = await patch(`${all}/a`, operations, JSON_PATCH);
    assert.equal(status, 200, json.message);
    assert.deepEqual(json.metadata.annotations, { 'a/b': '2' });
    assert.deepEqual(json.spec.exclusionList, ['two', '^.*\\.sig$']);
    assert.equal(json.spec.timeout, json.spec.interval);
  });

  test('JSON patch: what cannot be applied is refused', async () => {
    const refused = [
      [{ op: 'test', path: '/spec/image', value: 'other' }],
      [{ op: 'remove', path: '/spec/none' }],
      [{ op: 'replace', path: '/spec/none/deeper', value: 1 }],
    ];
    for (const operations of refused) {
      assert.equal((await patch(`${all}/a`, operations, JSON_PATCH)).status, 422, JSON.stringify(operations));
    }
    assert.equal((await patch(`${all}/a`, { op: 'remove', path: '/spec' }, JSON_PATCH)).status, 400);
  });

  test('the result of a patch is validated', async () => {
    assert.equal((await patch(`${all}/a`, { spec: { interval: 'x' } }, MERGE)).status, 422);
    assert.equal((await patch(`${all}/a`, { metadata: { uid: 'x' } }, MERGE)).status, 422);
    assert.equal((await patch(`${all}/a`, { kind: 'Other' }, MERGE)).status, 422);
    assert.equal((await patch(`${all}/a`, [], MERGE)).status, 400);
    assert.equal((await patch(`${all}/a`, '{bad', MERGE)).status, 400);
    assert.equal((await patch(`${all}/none`, {}, MERGE)).status, 404);
  });

  test('custom resources take no strategic merge patch; unknown types are refused too', async () => {
    for (const contentType of [STRATEGIC, 'text/plain']) {
      const { status, json } = await patch(`${all}/a`, { spec: { suspend: true } }, contentType);
      assert.equal(status, 415);
      assert.equal(json.reason, 'UnsupportedMediaType');
      assert.match(json.message, /application\/merge-patch\+json/);
    }
  });

  test('built-in types take strategic merge patches: lists merge by key', async () => {
    const accounts = `/api/v1/namespaces/${namespace}/serviceaccounts`;
    await ask(accounts, { method: 'POST', body: { metadata: { name: 's' } } });
    const strategic = async (body: unknown) => {
      const { json } = await patch(`${accounts}/s`, body, STRATEGIC);
      return json.secrets?.map(({ name }: { name: string }) => name);
    };
    assert.deepEqual(await strategic({ secrets: [{ name: 'a' }] }), ['a']);
    assert.deepEqual(await strategic({ secrets: [{ name: 'a' }] }), ['a']);
    assert.deepEqual((await strategic({ secrets: [{ name: 'b' }] })).sort(), ['a', 'b']);
    assert.deepEqual(await strategic({ secrets: [{ name: 'a', $patch: 'delete' }] }), ['b']);
    const config = `/api/v1/namespaces/${namespace}/configmaps`;
    await ask(config, { method: 'POST', body: { metadata: { name: 'c' }, data: { a: '1', b: '2' } } });
    const { json } = await patch(`${config}/c`, { data: { a: null, c: '3' } }, STRATEGIC);
    assert.deepEqual(json.data, { b: '2', c: '3' });
  });
});
