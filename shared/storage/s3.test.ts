import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { needs } from '../../test/parts/parts.ts';
import { type S3Server, startVersitygw } from '../../test/parts/versitygw.ts';
import { createDirectoryStore } from './directory.ts';
import { type ObjectStore, StorageError } from './object-store.ts';
import { createS3Store } from './s3.ts';
import { listed, testObjectStore } from './store-contract.ts';
import { readTagRecord, tagRecordKey, writeTagRecord } from './tag-record.ts';

describe('S3 as object store', needs('versitygw'), () => {
  let server: S3Server;
  before(async () => {
    server = await startVersitygw();
  });
  after(() => server.stop());

  describe('keeps the contract', () => {
    let store: ObjectStore;
    before(() => {
      store = createS3Store(server);
    });
    testObjectStore(() => store);
  });

  describe('keeps the contract below a prefix', () => {
    let store: ObjectStore;
    before(() => {
      store = createS3Store({ ...server, prefix: 'some/prefix' });
    });
    testObjectStore(() => store);
  });

  test('puts the prefix before the key, and the very bytes into the bucket', async () => {
    await createS3Store({ ...server, prefix: 'p' }).put('a/b', Buffer.from('x\ny\n'));
    assert.equal(readFileSync(join(server.folder, 'p/a/b'), 'utf8'), 'x\ny\n');
  });

  test('holds a tag record in the bytes that a directory holds (decisions, tag store)', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'longshore-same-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const key = { cluster: 'c1', namespace: 'apps', name: 'app1' };
    const tags = Array.from({ length: 20_000 }, (_, index) => `v${99_999 - index}`);
    const revision = `sha256:${hash('sha256', `${tags.join('\n')}\n`)}`;
    const record = {
      uid: 'u',
      canonicalName: 'ghcr.io/a/b',
      exclusionList: ['^$'],
      scanTime: 0,
      revision,
      tags,
    };
    const bucket = createS3Store(server);
    const bytes = [];
    for (const store of [bucket, createDirectoryStore(folder)]) {
      await writeTagRecord(store, key, record);
      bytes.push(await (await store.get(tagRecordKey(key)))!.bytes());
    }
    assert.deepEqual(bytes[0], bytes[1]);
    const read = await readTagRecord(bucket, key, { uid: 'u', log: { error: assert.fail } });
    const { etag } = (await bucket.head(tagRecordKey(key)))!;
    assert.deepEqual(read, { ...record, etag, tagCount: tags.length });
  });

  test('lists more than one page', async () => {
    const store = createS3Store(server);
    const keys = Array.from({ length: 1100 }, (_, index) => `pages/${String(index).padStart(4, '0')}`);
    for (let at = 0; at < keys.length; at += 50) {
      await Promise.all(keys.slice(at, at + 50).map((key) => store.put(key, Buffer.from(key))));
    }
    const infos = await listed(store.list('pages/'));
    assert.deepEqual(
      infos.map((info) => info.key),
      keys,
    );
  });

  test('a refused credential is an error that names bucket and cause, not the credential', async () => {
    const credentials = { accessKeyId: 'test', secretAccessKey: 'canary-secret-value' };
    const store = createS3Store({ ...server, credentials });
    for (const use of [
      () => store.put('a', Buffer.from('x')),
      () => store.get('a'),
      () => listed(store.list('a')),
    ]) {
      await assert.rejects(use, (error: Error) => {
        assert.ok(error instanceof StorageError);
        assert.match(
          error.message,
          /^cannot (write|read|list) object 'a' in bucket 'longshore': SignatureDoesNotMatch/,
        );
        assert.equal(error.cause, undefined);
        assert.ok(!JSON.stringify(error).includes('canary') && !error.message.includes('canary'));
        return true;
      });
    }
  });

  test('a bucket that does not exist is an error, not an absent object', async () => {
    const store = createS3Store({ ...server, bucket: 'elsewhere' });
    await assert.rejects(store.get('a'), /in bucket 'elsewhere': NoSuchBucket/);
    await assert.rejects(store.put('a', Buffer.from('x')), /in bucket 'elsewhere': NoSuchBucket/);
  });
});

describe('S3 that fails', () => {
  const answers: { status: number; body: string; cut?: boolean }[] = [];
  const server = createServer((_, response) => {
    const { status, body, cut } = answers.shift() ?? { status: 500, body: '' };
    response.writeHead(status, { etag: '"e"', 'content-length': body.length + (cut ? 100 : 0) });
    response.write(body);
    if (cut) response.socket!.end();
    else response.end();
  });
  let store: ObjectStore;
  before(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    store = createS3Store({
      bucket: 'bucket',
      endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      region: 'us-east-1',
      credentials: { accessKeyId: 'id', secretAccessKey: 'secret' },
    });
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });

  test('a content that breaks off is an error', async () => {
    answers.push({ status: 200, body: 'half', cut: true });
    const found = await store.get('a');
    await assert.rejects(found!.bytes(), StorageError);
  });

  test('an answer that refuses in words is passed on in one line', async () => {
    const body = '<Error><Code>QuotaExceeded</Code><Message>The bucket\n is full</Message></Error>';
    answers.push({ status: 403, body });
    await assert.rejects(store.put('a', Buffer.from('x')), {
      message: "cannot write object 'a' in bucket 'bucket': QuotaExceeded: The bucket is full",
    });
  });

  test('a server that is full says so, one that is busy is asked again', async () => {
    const full = '<Error><Code>InsufficientStorage</Code><Message>no space left</Message></Error>';
    answers.push({ status: 507, body: full });
    await assert.rejects(store.put('a', Buffer.from('x')), {
      name: 'StorageError',
      message: "cannot write object 'a' in bucket 'bucket': InsufficientStorage: no space left",
    });
    const busy = '<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>';
    answers.push({ status: 503, body: busy }, { status: 200, body: '' });
    assert.equal((await store.put('a', Buffer.from('x'))).size, 1);
    answers.push({ status: 503, body: busy }, { status: 503, body: busy }, { status: 503, body: busy });
    await assert.rejects(store.put('a', Buffer.from('x')), /SlowDown: Please reduce your request rate\.$/);
    assert.equal(answers.length, 0);
  });

  test('a server that refuses to tell whether there is something is told apart from one that fails', async () => {
    const denied = '<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>';
    answers.push({ status: 403, body: denied });
    await assert.rejects(store.get('a'), { name: 'AccessDenied' });
    answers.push({ status: 403, body: '' });
    await assert.rejects(store.head('a'), { name: 'AccessDenied' });
    answers.push({ status: 403, body: denied.replaceAll('AccessDenied', 'ExpiredToken') });
    await assert.rejects(store.get('a'), { name: 'StorageError' });
  });

  test('a server that closes the connection on a content that it refuses has refused it', async () => {
    const refusing = createServer((request, response) => {
      // `etag`: the object is there.
      if (request.method === 'HEAD') response.writeHead(200, { etag: '"e"', 'content-length': 1 }).end();
      else request.socket.resetAndDestroy();
    });
    await new Promise<void>((resolve) => refusing.listen(0, '127.0.0.1', resolve));
    const { port } = refusing.address() as AddressInfo;
    const closing = createS3Store({
      bucket: 'bucket',
      endpoint: `http://127.0.0.1:${port}`,
      region: 'us-east-1',
      credentials: { accessKeyId: 'id', secretAccessKey: 'secret' },
    });
    const large = Buffer.alloc(4 * 1024 * 1024);
    try {
      await assert.rejects(closing.put('a', large, { ifAbsent: true }), { name: 'PreconditionFailed' });
      await assert.rejects(closing.put('a', large), { name: 'StorageError' });
    } finally {
      refusing.closeAllConnections();
      refusing.close();
    }
  });

  test('two conditional writes that meet are a failed condition', async () => {
    const body = '<Error><Code>ConditionalRequestConflict</Code><Message>again</Message></Error>';
    answers.push({ status: 409, body });
    await assert.rejects(store.put('a', Buffer.from('x'), { ifAbsent: true }), {
      name: 'PreconditionFailed',
    });
  });
});
