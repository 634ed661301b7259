/** What every object store must do: the drivers' tests run it. Holds tests, but is none by itself. */
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { type ObjectInfo, type ObjectStore, PreconditionFailed, StorageError } from './object-store.ts';

/** Larger than what the directory driver reads at once. */
const LARGE_BYTES = 3 * 1024 * 1024 + 1;

/** Registers the tests. @param store gives a store; keys of the tests do not meet */
export function testObjectStore(store: () => ObjectStore): void {
  const text = async (key: string) => (await (await store().get(key))?.bytes())?.toString();
  const keys = async (prefix: string) => (await listed(store().list(prefix))).map((info) => info.key);
  const put = (key: string, body: string, options = {}) => store().put(key, Buffer.from(body), options);

  test('gives back what was put, byte for byte', async () => {
    const body = Buffer.from([0, 255, 10, 13, 128, 0]);
    const written = await store().put('bytes/a', body);
    const found = await store().get('bytes/a');
    assert.equal(written.key, 'bytes/a');
    assert.equal(written.size, body.length);
    assert.equal(found!.etag, written.etag);
    assert.equal(found!.size, body.length);
    assert.deepEqual(await found!.bytes(), body);
  });

  test('takes an empty content', async () => {
    await put('bytes/empty', '');
    assert.equal((await store().head('bytes/empty'))!.size, 0);
    assert.equal(await text('bytes/empty'), '');
  });

  test('answers undefined for what is not there, also below an object and above one', async () => {
    await put('missing/object', 'x');
    for (const key of ['missing/other', 'nowhere/at/all', 'missing/object/below', 'missing']) {
      assert.equal(await store().get(key), undefined, key);
      assert.equal(await store().head(key), undefined, key);
    }
  });

  test('replaces a content and its etag', async () => {
    const first = await put('replace/a', 'one');
    const second = await put('replace/a', 'two');
    assert.notEqual(second.etag, first.etag);
    assert.equal((await store().head('replace/a'))!.etag, second.etag);
    assert.equal(await text('replace/a'), 'two');
  });

  test('tells size, SHA-256 and time without the content', async () => {
    const sha256 = hash('sha256', 'content');
    const before = Date.now();
    await put('head/a', 'content', { sha256, contentType: 'text/plain' });
    const info = await store().head('head/a');
    assert.equal(info!.size, 7);
    assert.equal(info!.sha256, sha256);
    // S3 servers tell whole seconds.
    assert.ok(Math.abs(info!.lastModified.getTime() - before) < 5000);
    assert.equal((await store().get('head/a'))!.sha256, sha256);
  });

  test('forgets the SHA-256 of a content that was replaced without one', async () => {
    await put('head/b', 'one', { sha256: hash('sha256', 'one') });
    await put('head/b', 'two');
    assert.equal((await store().head('head/b'))!.sha256, undefined);
  });

  test('refuses a content that has another SHA-256, and keeps the old one', async () => {
    await put('verify/a', 'old');
    await assert.rejects(put('verify/a', 'new', { sha256: hash('sha256', 'other') }), StorageError);
    assert.equal(await text('verify/a'), 'old');
  });

  test('writes if absent exactly once, whoever comes first', async () => {
    const writers = ['a', 'b', 'c', 'd', 'e'].map((body) => put('absent/a', body, { ifAbsent: true }));
    const results = await Promise.allSettled(writers);
    const refused = results.filter((result) => result.status === 'rejected');
    assert.equal(refused.length, 4);
    for (const { reason } of refused) assert.ok(reason instanceof PreconditionFailed, String(reason));
    const winner = results.findIndex((result) => result.status === 'fulfilled');
    assert.equal(await text('absent/a'), 'abcde'[winner]);
  });

  test('writes if the etag matches, and only then', async () => {
    const first = await put('match/a', 'one');
    const second = await put('match/a', 'two', { ifMatch: first.etag });
    await assert.rejects(put('match/a', 'late', { ifMatch: first.etag }), PreconditionFailed);
    assert.equal(await text('match/a'), 'two');
    await store().delete('match/a');
    await assert.rejects(put('match/a', 'late', { ifMatch: second.etag }), PreconditionFailed);
    assert.equal(await text('match/a'), undefined);
  });

  test('takes and gives streams', async () => {
    const body = Buffer.alloc(LARGE_BYTES, 'longshore ');
    const sha256 = hash('sha256', body);
    const chunks = Readable.from([body.subarray(0, 1000), body.subarray(1000)], { objectMode: false });
    await store().put('stream/a', chunks, { size: body.length, sha256 });
    const found = await store().get('stream/a');
    assert.equal(found!.size, body.length);
    assert.equal(found!.sha256, sha256);
    assert.equal(hash('sha256', await buffer(found!.stream())), sha256);
    assert.equal((await (await store().get('stream/a'))!.bytes()).length, body.length);
  });

  test('leaves nothing of a stream that breaks off', async () => {
    const broken = Readable.from(
      (async function* () {
        yield Buffer.alloc(1000);
        throw new Error('the source broke off');
      })(),
    );
    const broke = (error: Error) =>
      error instanceof StorageError && /the source broke off/.test(error.message);
    await assert.rejects(store().put('stream/broken', broken, { size: 2000 }), broke);
    assert.equal(await store().head('stream/broken'), undefined);
    assert.deepEqual(await keys('stream/broken'), []);
  });

  test('a reader that gives up harms nobody', async () => {
    await store().put('stream/b', Buffer.alloc(LARGE_BYTES));
    const stream = (await store().get('stream/b'))!.stream();
    stream.destroy();
    await once(stream, 'close');
    assert.equal((await (await store().get('stream/b'))!.bytes()).length, LARGE_BYTES);
  });

  test('a reader gets one content, whatever is put meanwhile', async () => {
    const old = Buffer.alloc(LARGE_BYTES, 'old');
    await store().put('mixture/a', old);
    const stream = (await store().get('mixture/a'))!.stream();
    await store().put('mixture/a', Buffer.alloc(LARGE_BYTES, 'new'));
    assert.ok((await buffer(stream)).equals(old));
  });

  test('keeps what is said of a content, until another is put', async () => {
    const metadata = { kind: 'Thing', revision: '1.4.2@sha256:ab' };
    await put('metadata/a', 'one', { metadata, sha256: hash('sha256', 'one') });
    assert.deepEqual((await store().head('metadata/a'))!.metadata, metadata);
    assert.deepEqual((await store().get('metadata/a'))!.metadata, metadata);
    await put('metadata/a', 'two');
    assert.equal((await store().head('metadata/a'))!.metadata, undefined);
  });

  test('copies a content with all that is known of it', async () => {
    for (const size of [7, LARGE_BYTES]) {
      const body = Buffer.alloc(size, 'longshore ');
      const sha256 = hash('sha256', body);
      const metadata = { kind: 'Thing' };
      await store().put('copy/from', body, { sha256, metadata, contentType: 'application/gzip' });
      await put('copy/to.tar.gz', 'old');
      await store().copy('copy/from', 'copy/to.tar.gz');
      const found = await store().get('copy/to.tar.gz');
      assert.deepEqual([found!.size, found!.sha256, found!.metadata], [size, sha256, metadata]);
      assert.ok((await found!.bytes()).equals(body));
    }
    assert.deepEqual(await keys('copy/'), ['copy/from', 'copy/to.tar.gz']);
  });

  test('copies again what is the same already, and each goes on by itself', async () => {
    const sha256 = hash('sha256', 'one');
    await put('twice/from', 'one', { sha256 });
    await store().copy('twice/from', 'twice/to');
    await store().copy('twice/from', 'twice/to');
    assert.equal((await store().head('twice/to'))!.sha256, sha256);
    await put('twice/from', 'two');
    assert.equal(await text('twice/to'), 'one');
    await store().delete('twice/from');
    assert.equal(await text('twice/to'), 'one');
    await put('twice/to', 'three');
    assert.equal((await store().head('twice/to'))!.sha256, undefined);
  });

  test('cannot copy what is not there', async () => {
    await put('nothing/to', 'old');
    await assert.rejects(store().copy('nothing/from', 'nothing/to'), {
      name: 'StorageError',
      message: /^cannot copy object '.*nothing\/from'/,
    });
    assert.equal(await text('nothing/to'), 'old');
  });

  test('an absent-only write of a stream that comes too late closes the stream', async () => {
    await put('late/a', 'first');
    const late = Readable.from([Buffer.alloc(LARGE_BYTES)]);
    const refused = store().put('late/a', late, { size: LARGE_BYTES, ifAbsent: true });
    await assert.rejects(refused, PreconditionFailed);
    assert.ok(late.destroyed);
    assert.equal(await text('late/a'), 'first');
  });

  test('lists what starts with a prefix, ordered by the bytes of the keys', async () => {
    const all = ['list/a', 'list/a-b', 'list/a.b/c', 'list/a/b', 'list/b/c/d', 'list/ba'];
    // A folder cannot be an object as well: the one key that both drivers could not hold is left out.
    const used = all.filter((key) => key !== 'list/a');
    for (const key of used.toReversed()) await put(key, key);
    assert.deepEqual(await keys('list/'), ['list/a-b', 'list/a.b/c', 'list/a/b', 'list/b/c/d', 'list/ba']);
    assert.deepEqual(await keys('list/a'), ['list/a-b', 'list/a.b/c', 'list/a/b']);
    assert.deepEqual(await keys('list/b/'), ['list/b/c/d']);
    assert.deepEqual(await keys('list/x'), []);
    const [info] = await listed(store().list('list/ba'));
    assert.equal(info!.size, 'list/ba'.length);
    assert.equal(info!.etag, (await store().head('list/ba'))!.etag);
  });

  test('deletes, also what is not there', async () => {
    await put('delete/folder/a', 'x', { sha256: hash('sha256', 'x') });
    await store().delete('delete/folder/a');
    await store().delete('delete/folder/a');
    await store().delete('delete/nothing');
    assert.equal(await store().get('delete/folder/a'), undefined);
    await put('delete/folder', 'now an object');
    assert.equal(await text('delete/folder'), 'now an object');
  });

  for (const key of ['', '/a', 'a/', 'a//b', '../a', 'a/../b', './a', 'a\\b', 'a\nb', 'ä', 'x'.repeat(256)]) {
    test(`refuses the key ${JSON.stringify(key.slice(0, 20))}`, async () => {
      for (const use of [
        () => put(key, 'x'),
        () => store().get(key),
        () => store().head(key),
        () => store().delete(key),
        () => store().copy(key, 'copied'),
        () => store().copy('copied', key),
      ]) {
        await assert.rejects(
          use,
          (error: Error) => error instanceof StorageError && /key/.test(error.message),
        );
      }
    });
  }

  test('stops when the signal has aborted', async () => {
    const signal = AbortSignal.abort(new Error('deadline'));
    await assert.rejects(store().put('abort/a', Buffer.from('x'), {}, signal), /deadline/);
    await assert.rejects(store().get('abort/a', signal), /deadline/);
    await assert.rejects(store().head('abort/a', signal), /deadline/);
    await assert.rejects(store().delete('abort/a', signal), /deadline/);
    await assert.rejects(store().copy('abort/a', 'abort/b', signal), /deadline/);
    await assert.rejects(listed(store().list('abort/', signal)), /deadline/);
    assert.equal(await text('abort/a'), undefined);
  });
}

/** All that a store lists. */
export async function listed(infos: AsyncIterable<ObjectInfo>): Promise<ObjectInfo[]> {
  const all: ObjectInfo[] = [];
  for await (const info of infos) all.push(info);
  return all;
}
