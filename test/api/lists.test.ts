/** Lists and watches: selectors, pages, resource versions, bookmarks, ends. */
import assert from 'node:assert/strict';
import { createInterface } from 'node:readline';
import { before, test } from 'node:test';
import type { Query } from '../../shared/kube/transport.ts';
import { MERGE, overBothServers, repositories, repository, TABLE } from './servers.ts';

interface WatchEvent {
  type: string;
  // biome-ignore lint/suspicious/noExplicitAny: objects of any shape, looked at by assertions
  object: any;
}

overBothServers('lists and watches', [], (server, ask) => {
  let namespace: string;
  let all: string;
  before(async () => {
    namespace = await server.createNamespace();
    all = repositories(namespace);
    for (const [index, name] of ['a', 'b', 'c', 'd', 'e'].entries()) {
      const labels = { number: String(index), parity: index % 2 === 0 ? 'even' : 'odd' };
      await ask(all, { method: 'POST', body: repository(name, {}, { labels }) });
    }
  });

  const namesOf = (items: { metadata: { name: string } }[]) => items.map(({ metadata }) => metadata.name);
  const list = async (query: Query) => (await ask(all, { query })).json;

  /** Opens a watch and gives its events as they come. */
  async function watch(
    query: Query,
    accept?: string,
  ): Promise<{ next(): Promise<WatchEvent>; close(): void }> {
    const stream = await server.transport.open({ path: all, query: { watch: true, ...query }, accept });
    assert.equal(stream.status, 200);
    stream.body.on('error', () => {});
    const lines = createInterface({ input: stream.body })[Symbol.asyncIterator]();
    return {
      async next() {
        const { value, done } = await lines.next();
        return done ? { type: 'END', object: undefined } : JSON.parse(value);
      },
      close: () => stream.body.destroy(),
    };
  }

  test('a list has a version, and items in order', async () => {
    const { status, json } = await ask(all);
    assert.equal(status, 200);
    assert.equal(json.kind, 'ImageRepositoryList');
    assert.match(json.metadata.resourceVersion, /^\d+$/);
    assert.deepEqual(namesOf(json.items), ['a', 'b', 'c', 'd', 'e']);
    assert.equal(json.items[0].kind, 'ImageRepository');
    const config = await ask(`/api/v1/namespaces/${namespace}/configmaps`);
    assert.equal(config.json.kind, 'ConfigMapList');
  });

  const selections: [selector: Query, names: string][] = [
    [{ labelSelector: 'parity=even' }, 'ace'],
    [{ labelSelector: 'parity!=even' }, 'bd'],
    [{ labelSelector: 'number in (1,2),parity' }, 'bc'],
    [{ labelSelector: 'number notin (1, 2), parity==odd' }, 'd'],
    [{ labelSelector: '!parity' }, ''],
    [{ labelSelector: 'number>2' }, 'de'],
    [{ fieldSelector: 'metadata.name=c' }, 'c'],
    [{ fieldSelector: 'metadata.name!=c,metadata.name!=d' }, 'abe'],
    [{ fieldSelector: 'metadata.namespace=other' }, ''],
  ];
  for (const [query, names] of selections) {
    test(`selected by ${JSON.stringify(query)}`, async () => {
      assert.equal(namesOf((await list(query)).items).join(''), names);
    });
  }

  test('selectors that cannot be understood are refused', async () => {
    for (const query of [
      { labelSelector: 'a b' },
      { labelSelector: 'a in b' },
      { fieldSelector: 'spec.image=a' },
      { fieldSelector: 'bad' },
      { limit: 'x' },
      { continue: 'abc' },
    ]) {
      const { status, json } = await ask(all, { query });
      assert.equal(status, 400, JSON.stringify(query));
      assert.equal(json.reason, 'BadRequest');
    }
  });

  test('pages show one moment', async () => {
    const first = await list({ limit: 2 });
    assert.deepEqual(namesOf(first.items), ['a', 'b']);
    assert.equal(first.metadata.remainingItemCount, 3);
    await ask(all, { method: 'POST', body: repository('c2') });
    const second = await list({ limit: 2, continue: first.metadata.continue });
    assert.deepEqual(namesOf(second.items), ['c', 'd']);
    assert.equal(second.metadata.resourceVersion, first.metadata.resourceVersion);
    const third = await list({ limit: 2, continue: second.metadata.continue });
    assert.deepEqual(namesOf(third.items), ['e']);
    assert.ok(!third.metadata.continue);
    await ask(`${all}/c2`, { method: 'DELETE' });
  });

  test('resource versions of a list', async () => {
    assert.equal((await list({ resourceVersion: '0' })).items.length, 5);
    const { metadata } = await list({});
    const exact = { resourceVersion: metadata.resourceVersion, resourceVersionMatch: 'Exact' };
    assert.equal((await list(exact)).items.length, 5);
    const future = await ask(all, { query: { resourceVersion: '999999999' } });
    assert.equal(future.status, 504);
    assert.equal(future.json.reason, 'Timeout');
    assert.equal((await ask(all, { query: { resourceVersionMatch: 'Exact' } })).status, 422);
  });

  test('across namespaces', async () => {
    const { json } = await ask('/apis/image.toolkit.fluxcd.io/v1/imagerepositories');
    const own = json.items.filter((item: { metadata: { namespace: string } }) => {
      return item.metadata.namespace === namespace;
    });
    assert.deepEqual(namesOf(own), ['a', 'b', 'c', 'd', 'e']);
  });

  test('a watch tells what happens after a version, each change once, in order', async () => {
    const { metadata } = await list({});
    const events = await watch({ resourceVersion: metadata.resourceVersion });
    const created = await ask(all, { method: 'POST', body: repository('w') });
    const body = { spec: { suspend: true } };
    await ask(`${all}/w`, { method: 'PATCH', body, contentType: MERGE });
    await ask(`${all}/w`, { method: 'DELETE' });
    const added = await events.next();
    assert.equal(added.type, 'ADDED');
    assert.deepEqual(added.object, created.json);
    const modified = await events.next();
    assert.equal(modified.type, 'MODIFIED');
    assert.equal(modified.object.spec.suspend, true);
    const deleted = await events.next();
    assert.equal(deleted.type, 'DELETED');
    const versions = [added, modified, deleted].map(({ object }) => Number(object.metadata.resourceVersion));
    assert.deepEqual(
      versions,
      versions.toSorted((a, b) => a - b),
    );
    assert.equal(new Set(versions).size, 3);
    events.close();
  });

  test('a watch starts where a list ended, also when it comes late', async () => {
    const { metadata } = await list({});
    await ask(all, { method: 'POST', body: repository('late') });
    await ask(`${all}/late`, { method: 'DELETE' });
    const events = await watch({ resourceVersion: metadata.resourceVersion });
    assert.equal((await events.next()).type, 'ADDED');
    assert.equal((await events.next()).type, 'DELETED');
    events.close();
  });

  test('without a version it begins with what there is', async () => {
    for (const resourceVersion of [undefined, '0']) {
      const events = await watch({ resourceVersion, labelSelector: 'parity=odd' });
      const found = [await events.next(), await events.next()];
      assert.deepEqual(
        found.map(({ type }) => type),
        ['ADDED', 'ADDED'],
      );
      assert.deepEqual(namesOf(found.map(({ object }) => object)).sort(), ['b', 'd']);
      events.close();
    }
  });

  test('an object that enters or leaves the selection is added or deleted', async () => {
    await ask(all, { method: 'POST', body: repository('moving') });
    const { metadata } = await list({});
    const events = await watch({ resourceVersion: metadata.resourceVersion, labelSelector: 'seen=yes' });
    for (const seen of ['yes', 'yes', null]) {
      const body = { metadata: { labels: { seen }, annotations: { at: String(seen) + Math.random() } } };
      await ask(`${all}/moving`, { method: 'PATCH', body, contentType: MERGE });
    }
    const types = [await events.next(), await events.next(), await events.next()].map(({ type }) => type);
    assert.deepEqual(types, ['ADDED', 'MODIFIED', 'DELETED']);
    events.close();
    await ask(`${all}/moving`, { method: 'DELETE' });
  });

  test('initial events end with a bookmark that says so', async () => {
    const events = await watch({
      sendInitialEvents: true,
      resourceVersionMatch: 'NotOlderThan',
      allowWatchBookmarks: true,
    });
    for (const _ of 'abcde') assert.equal((await events.next()).type, 'ADDED');
    const end = await events.next();
    assert.equal(end.type, 'BOOKMARK');
    assert.equal(end.object.kind, 'ImageRepository');
    assert.equal(end.object.metadata.annotations['k8s.io/initial-events-end'], 'true');
    events.close();
    const query = { watch: true, sendInitialEvents: true };
    assert.equal((await ask(all, { query })).status, 422);
  });

  test('a version that is forgotten is an ERROR event with code 410', async () => {
    const events = await watch({ resourceVersion: '1' });
    const { type, object } = await events.next();
    assert.equal(type, 'ERROR');
    assert.equal(object.code, 410);
    assert.equal(object.reason, 'Expired');
    assert.equal((await events.next()).type, 'END');
  });

  test('a watch ends after timeoutSeconds', async () => {
    const { metadata } = await list({});
    const events = await watch({ resourceVersion: metadata.resourceVersion, timeoutSeconds: 1 });
    let last = await events.next();
    while (last.type === 'BOOKMARK') last = await events.next();
    assert.equal(last.type, 'END');
  });

  test('a watch of tables: a row a change', async () => {
    const { metadata } = await list({});
    const query = { resourceVersion: metadata.resourceVersion, fieldSelector: 'metadata.name=t' };
    const events = await watch(query, TABLE);
    await ask(all, { method: 'POST', body: repository('t') });
    const { type, object } = await events.next();
    assert.equal(type, 'ADDED');
    assert.equal(object.kind, 'Table');
    assert.equal(object.rows[0].cells[0], 't');
    assert.equal(object.rows[0].object.kind, 'PartialObjectMetadata');
    await ask(`${all}/t`, { method: 'DELETE' });
    assert.equal((await events.next()).type, 'DELETED');
    events.close();
  });

  test('a watch that its client leaves is forgotten by the server', async () => {
    const events = await watch({ resourceVersion: '0', fieldSelector: 'metadata.name=a' });
    await events.next();
    events.close();
    const reply = await ask(`${all}/a`);
    assert.equal(reply.status, 200);
  });
});
