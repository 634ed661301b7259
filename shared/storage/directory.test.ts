import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, describe, test } from 'node:test';
import { createDirectoryStore } from './directory.ts';
import { type ObjectStore, StorageError } from './object-store.ts';
import { testObjectStore } from './store-contract.ts';

const ROOT = fs.mkdtempSync(join(tmpdir(), 'longshore-store-'));
after(() => fs.rmSync(ROOT, { recursive: true }));

describe('a directory as object store', () => {
  const store = createDirectoryStore(join(ROOT, 'contract'));
  testObjectStore(() => store);
});

describe('a directory on a disk with faults', () => {
  let count = 0;
  let folder: string;
  let store: ObjectStore;
  beforeEach(() => {
    folder = join(ROOT, `faults-${count++}`);
    store = createDirectoryStore(folder);
  });

  const file = (key: string) => join(folder, 'objects', key);
  const filesOf = (part: string) =>
    fs
      .readdirSync(join(folder, part), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => entry.name);

  const failing = (code: string) => () => {
    throw Object.assign(new Error(`${code}: something`), { code });
  };

  for (const [code, text] of [
    ['ENOSPC', 'no space is left on the disk'],
    ['EROFS', 'the file system is read-only'],
    ['EACCES', 'permission denied'],
  ] as const) {
    test(`${code} while writing: a clear error, the old content stays, nothing is left over`, async (t) => {
      await store.put('a/b', Buffer.from('old'));
      const fault = t.mock.method(fs, 'writeSync', failing(code));
      syncBuiltinESMExports();
      await assert.rejects(store.put('a/b', Buffer.from('new')), {
        name: 'StorageError',
        message: `cannot write object 'a/b': ${text} (${code})`,
      });
      fault.mock.restore();
      syncBuiltinESMExports();
      assert.equal((await (await store.get('a/b'))!.bytes()).toString(), 'old');
      assert.deepEqual(filesOf('temp'), []);
    });
  }

  test('a file where a folder must be is named', async () => {
    await store.put('a', Buffer.from('x'));
    await assert.rejects(store.put('a/b', Buffer.from('x')), /a part of the key is an object itself/);
    await store.put('c/d', Buffer.from('x'));
    await assert.rejects(store.put('c', Buffer.from('x')), /other objects are below the key/);
    assert.deepEqual(filesOf('temp'), []);
  });

  test('a content that was altered or cut on the disk has another etag and no SHA-256', async () => {
    const body = Buffer.from('the content');
    for (const spoil of [
      () => fs.writeFileSync(file('a'), 'THE CONTENT'),
      () => fs.truncateSync(file('a'), 3),
    ]) {
      const { etag } = await store.put('a', body, { sha256: hash('sha256', body) });
      spoil();
      const info = await store.head('a');
      assert.notEqual(info!.etag, etag);
      assert.equal(info!.sha256, undefined);
    }
  });

  test('what a crash left in temp/ goes with the first write, once it is old', async () => {
    const temp = join(folder, 'temp');
    fs.mkdirSync(temp, { recursive: true });
    fs.writeFileSync(join(temp, 'old'), 'x');
    fs.writeFileSync(join(temp, 'young'), 'x');
    const hours = 2 * 3600;
    fs.utimesSync(join(temp, 'old'), Date.now() / 1000 - hours, Date.now() / 1000 - hours);
    await store.put('a', Buffer.from('x'));
    assert.deepEqual(filesOf('temp'), ['young']);
  });

  test('what a crash left beside a content that never came is nobody’s', async () => {
    const clock = { now: () => 1_700_000_000_000, after: () => () => {} };
    const put = async (into: string, body: string, options = {}) => {
      const still = createDirectoryStore(join(folder, into), { clock });
      return await still.put('a', Buffer.from(body), options);
    };
    const { etag } = await put('learn', 'old');
    for (const [into, sha256] of [
      ['with', hash('sha256', 'new')],
      ['without', undefined],
    ] as const) {
      fs.mkdirSync(join(folder, into, 'info'), { recursive: true });
      fs.writeFileSync(join(folder, into, 'info', etag), JSON.stringify({ sha256: 'of another' }));
      const info = await put(into, 'new', { sha256 });
      assert.notEqual(info.etag, etag);
      const found = await createDirectoryStore(join(folder, into)).head('a');
      assert.deepEqual([found?.etag, found?.sha256], [info.etag, sha256]);
    }
  });

  test('what is beside a content stays as long as one of its names', async () => {
    const sha256 = hash('sha256', 'x');
    await store.put('a', Buffer.from('x'), { sha256 });
    await store.copy('a', 'b');
    await store.copy('a', 'b');
    await store.put('a', Buffer.from('y'), { sha256: hash('sha256', 'y') });
    assert.equal((await store.head('b'))!.sha256, sha256);
    assert.equal(filesOf('info').length, 2);
    await store.copy('a', 'b');
    assert.equal(filesOf('info').length, 1);
    await store.delete('a');
    assert.equal((await store.head('b'))!.sha256, hash('sha256', 'y'));
    await store.delete('b');
    assert.equal(filesOf('info').length, 0);
  });

  test('keeps no file and no folder of what was deleted', async () => {
    await store.put('a/b/c', Buffer.from('x'), { contentType: 'text/plain' });
    await store.delete('a/b/c');
    assert.deepEqual(fs.readdirSync(join(folder, 'objects')), []);
    assert.deepEqual(fs.readdirSync(join(folder, 'info')), []);
  });

  test('the same bytes are in the file', async () => {
    await store.put('a/b', Buffer.from('x\ny\n'), { contentType: 'text/plain' });
    assert.equal(fs.readFileSync(file('a/b'), 'utf8'), 'x\ny\n');
  });

  test('contents written within one instant differ in their etag', async () => {
    const clock = { now: () => 1_700_000_000_000, after: () => () => {} };
    const still = createDirectoryStore(folder, { clock });
    const etags = [];
    for (let i = 0; i < 20; i++) etags.push((await still.put('a', Buffer.from('same size'))).etag);
    assert.equal(new Set(etags).size, 20);
  });

  test('a stream of another length than told is refused', async () => {
    const { Readable } = await import('node:stream');
    await assert.rejects(store.put('a', Readable.from([Buffer.from('abc')]), { size: 4 }), StorageError);
    assert.equal(await store.head('a'), undefined);
    assert.deepEqual(filesOf('temp'), []);
  });
});
