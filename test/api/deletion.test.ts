/** Deletion: finalizers, preconditions, collections, namespaces. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { MERGE, overBothServers, repositories, repository } from './servers.ts';

overBothServers('deletion', [], (server, ask) => {
  let namespace: string;
  let all: string;
  before(async () => {
    namespace = await server.createNamespace();
    all = repositories(namespace);
  });
  const create = (name: string, metadata: object = {}) =>
    ask(all, { method: 'POST', body: repository(name, {}, metadata) });
  const remove = (name: string, body?: object) => ask(`${all}/${name}`, { method: 'DELETE', body });

  test('at once, with a Status that names the object', async () => {
    const { json } = await create('gone');
    const reply = await remove('gone');
    assert.equal(reply.status, 200);
    assert.deepEqual(reply.json, {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Success',
      details: {
        name: 'gone',
        group: 'image.toolkit.fluxcd.io',
        kind: 'imagerepositories',
        uid: json.metadata.uid,
      },
    });
    assert.equal((await remove('gone')).status, 404);
  });

  test('with finalizers it waits for the last of them', async () => {
    await create('waits', { finalizers: ['a.b/c', 'd.e/f'] });
    const marked = await remove('waits');
    assert.equal(marked.json.kind, 'ImageRepository');
    assert.ok(marked.json.metadata.deletionTimestamp);
    assert.equal(marked.json.metadata.deletionGracePeriodSeconds, 0);
    assert.equal(marked.json.metadata.generation, 2);
    const again = await remove('waits');
    assert.equal(again.json.metadata.resourceVersion, marked.json.metadata.resourceVersion);
    const finalizers = (value: string[] | null) =>
      ask(`${all}/waits`, {
        method: 'PATCH',
        contentType: MERGE,
        body: { metadata: { finalizers: value } },
      });
    assert.equal((await finalizers(['a.b/c', 'd.e/f', 'g.h/i'])).status, 422);
    assert.equal((await finalizers(['a.b/c'])).status, 200);
    assert.equal((await ask(`${all}/waits`)).status, 200);
    assert.equal((await finalizers(null)).status, 200);
    assert.equal((await ask(`${all}/waits`)).status, 404);
  });

  test('preconditions', async () => {
    const { json } = await create('exact');
    const wrong = await remove('exact', { preconditions: { uid: 'other' } });
    assert.equal(wrong.status, 409);
    assert.equal(wrong.json.reason, 'Conflict');
    assert.equal((await remove('exact', { preconditions: { resourceVersion: '1' } })).status, 409);
    const { uid, resourceVersion } = json.metadata;
    assert.equal((await remove('exact', { preconditions: { uid, resourceVersion } })).status, 200);
  });

  test('propagation policies are understood', async () => {
    for (const propagationPolicy of ['Background', 'Orphan']) {
      await create('policy');
      assert.equal((await remove('policy', { propagationPolicy })).status, 200);
    }
    await create('policy');
    assert.equal((await remove('policy', { propagationPolicy: 'Sometimes' })).status, 422);
  });

  test('a collection, by label', async () => {
    await create('c1', { labels: { batch: 'x' } });
    await create('c2', { labels: { batch: 'x' } });
    await create('c3', { labels: { batch: 'y' } });
    const reply = await ask(all, { method: 'DELETE', query: { labelSelector: 'batch=x' } });
    assert.equal(reply.status, 200);
    assert.equal((await ask(`${all}/c1`)).status, 404);
    assert.equal((await ask(`${all}/c3`)).status, 200);
  });

  test('some namespaces cannot be deleted', async () => {
    const reply = await ask('/api/v1/namespaces/default', { method: 'DELETE' });
    assert.equal(reply.status, 403);
    assert.equal(reply.json.message, 'namespaces "default" is forbidden: this namespace may not be deleted');
  });

  test('a namespace that is being deleted takes no new content', async () => {
    const ending = await server.createNamespace();
    const held = repository('held', {}, { finalizers: ['a.b/c'] });
    await ask(repositories(ending), { method: 'POST', body: held });
    const marked = await ask(`/api/v1/namespaces/${ending}`, { method: 'DELETE' });
    assert.equal(marked.json.status.phase, 'Terminating');
    const refused = await ask(repositories(ending), { method: 'POST', body: repository('new') });
    assert.equal(refused.status, 403);
    assert.deepEqual(refused.json.details.causes[0].reason, 'NamespaceTerminating');
  });
});
