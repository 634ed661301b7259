import assert from 'node:assert/strict';
import { hash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, type TestContext, test } from 'node:test';
import { createLogger } from '../../shared/runtime/logger.ts';
import { createManualClock } from '../../shared/runtime/manual-clock.ts';
import { createDirectoryStore } from '../../shared/storage/directory.ts';
import { AccessDenied, type ObjectStore, StorageError } from '../../shared/storage/object-store.ts';
import { createS3Store } from '../../shared/storage/s3.ts';
import { needs } from '../../test/parts/parts.ts';
import { type S3Server, startVersitygw } from '../../test/parts/versitygw.ts';
import { createArtifactServer } from './artifact-server.ts';
import { startServer } from './server.ts';

const FILE = `/ocirepository/apps/web/${'ab'.repeat(32)}.tar.gz`;
const LATEST = '/ocirepository/apps/web/latest.tar.gz';
const MIB = 1024 * 1024;

/** The server of a relay that does not lead, over `store`; it ends with the test. */
async function serve(t: TestContext, store: Partial<ObjectStore>) {
  const clock = createManualClock();
  const log: string[] = [];
  const artifacts = createArtifactServer({
    store: store as ObjectStore,
    cluster: 'c1',
    clock,
    log: createLogger('info', (line) => log.push(line)),
  });
  const local = '127.0.0.1:0';
  const server = await startServer(
    { ready: () => false, metrics: async function* () {}, artifacts },
    { 'health-addr': local, 'metrics-addr': local, 'storage-addr': local },
  );
  t.after(() => server.close());
  const figures = async () => {
    const text = await (await fetch(`${server.metricsUrl}/metrics`)).text();
    return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  };
  return { url: server.artifactUrl!, clock, log, figures };
}

/** The head of an answer; its body is not read yet. Unlike `fetch` it unpacks nothing and resolves no path. */
async function ask(url: string, path: string, method = 'GET'): Promise<IncomingMessage> {
  const { hostname, port } = new URL(url);
  const asked = request({
    hostname,
    port,
    path,
    method,
    agent: false,
    headers: { 'accept-encoding': 'gzip' },
  });
  asked.end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  return response;
}

function testServing(store: () => ObjectStore): void {
  for (const size of [0, 3000, 5 * MIB + 1]) {
    test(`a file of ${size} bytes is answered with its bytes and nothing else (16.3)`, async (t) => {
      const body = randomBytes(size);
      const options = { sha256: hash('sha256', body), contentType: 'application/gzip', metadata: { a: 'b' } };
      await store().put(`c1/artifacts${FILE}`, body, options);
      await store().copy(`c1/artifacts${FILE}`, `c1/artifacts${LATEST}`);
      const { url, log } = await serve(t, store());
      for (const path of [FILE, LATEST, `${FILE}?a=b`]) {
        const got = await ask(url, path);
        assert.ok((await buffer(got)).equals(body));
        const headed = await ask(url, path, 'HEAD');
        assert.equal((await buffer(headed)).length, 0);
        for (const { statusCode, headers } of [got, headed]) {
          assert.equal(statusCode, 200);
          assert.deepEqual(Object.keys(headers).sort(), [
            'connection',
            'content-length',
            'content-type',
            'date',
          ]);
          assert.equal(headers['content-length'], String(size));
          assert.equal(headers['content-type'], 'application/gzip');
        }
      }
      assert.deepEqual(log, []);
    });
  }

  test('what is missing is a 404, for GET and HEAD', async (t) => {
    const { url } = await serve(t, store());
    for (const method of ['GET', 'HEAD']) {
      const missing = await ask(url, FILE.replace('web', 'other'), method);
      assert.equal(missing.statusCode, 404);
      missing.resume();
    }
  });
}

describe('artifact server over a directory', () => {
  const folder = mkdtempSync(join(tmpdir(), 'longshore-served-'));
  after(() => rmSync(folder, { recursive: true }));
  const store = createDirectoryStore(folder);
  testServing(() => store);
});

describe('artifact server over S3', needs('versitygw'), () => {
  let server: S3Server;
  let store: ObjectStore;
  before(async () => {
    server = await startVersitygw();
    store = createS3Store(server);
  });
  after(() => server.stop());
  testServing(() => store);
});

describe('artifact server', () => {
  test('only paths of artifacts are looked up', async (t) => {
    const { url } = await serve(t, { get: assert.fail, head: assert.fail });
    for (const path of [
      '/ocirepository/',
      '/ocirepository/apps/web/',
      '/ocirepository/apps/web/other',
      '/ocirepository/apps/web/../../../../etc/passwd',
      '/ocirepository/../tags/apps/web',
      '/ocirepository/%2e%2e/tags/apps/web',
      `/ocirepository/apps/..%2fweb/latest.tar.gz`,
      '/ocirepository//web/latest.tar.gz',
      `/ocirepository\\apps\\web\\latest.tar.gz`,
      `/ocirepository/apps/web/latest.tar.gz/`,
      `/ocirepository/apps/web/latest.tar.gz%00`,
      '/ocirepository/a/b/c/latest.tar.gz',
    ]) {
      const response = await ask(url, path);
      assert.equal(response.statusCode, 404, path);
      response.resume();
    }
  });

  test('tells in metrics what it answered', async (t) => {
    const body = Buffer.alloc(1500);
    const found = { key: '', size: body.length, etag: '', lastModified: new Date() };
    const { url, figures } = await serve(t, {
      async get(key) {
        if (key.endsWith(LATEST)) throw new StorageError('cannot read');
        if (!key.includes('apps/web')) return undefined;
        return { ...found, bytes: assert.fail, stream: () => Readable.from([body]) };
      },
    });
    for (const path of [FILE, FILE, LATEST, FILE.replace('web', 'none'), '/ocirepository/']) {
      await buffer(await ask(url, path));
    }
    assert.deepEqual((await figures()).toSorted(), [
      'longshore_artifact_answers_total{result="failed"} 1',
      'longshore_artifact_answers_total{result="missing"} 2',
      'longshore_artifact_answers_total{result="sent"} 2',
      'longshore_artifact_sent_bytes_total 3000',
    ]);
  });

  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
    test(`${method} is refused`, async (t) => {
      const { url } = await serve(t, { get: assert.fail });
      const response = await ask(url, FILE, method);
      assert.deepEqual([response.statusCode, response.headers.allow], [405, 'GET, HEAD']);
      response.resume();
    });
  }

  /** A store with one endless file, which tells how much of it was read. */
  function endless(size: number) {
    const state = { read: 0, closed: Promise.withResolvers<void>() };
    const stream = () =>
      new Readable({
        read() {
          state.read += 64 * 1024;
          this.push(Buffer.alloc(64 * 1024));
        },
        destroy(error, callback) {
          state.closed.resolve();
          callback(error);
        },
      });
    const found = { key: '', size, etag: '', lastModified: new Date(), bytes: assert.fail, stream };
    return { state, store: { get: async () => found } as Partial<ObjectStore> };
  }

  test('reads no faster than the client, one that does not read stops nobody, and one that leaves frees the store', async (t) => {
    const slow = endless(1024 * MIB);
    const body = randomBytes(3 * MIB);
    const quick = { key: '', size: body.length, etag: '', lastModified: new Date() };
    const { url, log } = await serve(t, {
      get: async (key) =>
        key.endsWith(LATEST)
          ? await slow.store.get!(key)
          : { ...quick, bytes: assert.fail, stream: () => Readable.from([body]) },
    });
    const sleeping = await ask(url, LATEST);
    for (let round = 0; round < 5; round++) {
      const answers = await Promise.all(Array.from({ length: 8 }, () => ask(url, FILE)));
      for (const body of await Promise.all(answers.map(buffer))) assert.equal(body.length, quick.size);
    }
    // What the sockets of the machine hold between the two.
    assert.ok(slow.state.read < 32 * MIB, `read ${slow.state.read}`);
    sleeping.destroy();
    await slow.state.closed.promise;
    assert.deepEqual(log, []);
  });

  test('a client that leaves before the store answers ends the request to the store', async (t) => {
    const asked = Promise.withResolvers<AbortSignal>();
    const { url, log } = await serve(t, {
      get: (_, signal) => {
        asked.resolve(signal!);
        return new Promise((_, reject) => signal!.addEventListener('abort', () => reject(signal!.reason)));
      },
    });
    const { hostname, port } = new URL(url);
    const leaving = request({ hostname, port, path: FILE, agent: false }).on('error', () => {});
    leaving.end();
    const signal = await asked.promise;
    leaving.destroy();
    if (!signal.aborted) await once(signal, 'abort');
    assert.deepEqual(log, []);
  });

  test('a client that leaves while the store answers leaves no stream open', async (t) => {
    const slow = endless(MIB);
    const asked = Promise.withResolvers<AbortSignal>();
    const { url } = await serve(t, {
      async get(key, signal) {
        asked.resolve(signal!);
        // A store that does not look at the signal.
        await new Promise((resolve) => signal!.addEventListener('abort', resolve));
        return await slow.store.get!(key);
      },
    });
    const { hostname, port } = new URL(url);
    const leaving = request({ hostname, port, path: FILE, agent: false }).on('error', () => {});
    leaving.end();
    await asked.promise;
    leaving.destroy();
    await slow.state.closed.promise;
  });

  for (const [what, give, text] of [
    [
      'breaks off',
      [Buffer.alloc(1000), new Error('the disk reports an error')],
      /broke off: the disk reports/,
    ],
    ['ends early', [Buffer.alloc(1000)], /broke off: the store gave fewer than 2000 bytes/],
    ['goes on', [Buffer.alloc(1000), Buffer.alloc(1001)], /broke off: the store gave more than 2000 bytes/],
  ] as const) {
    test(`a store that ${what} in the middle: the client sees that it is not the file`, async (t) => {
      const chunks = async function* () {
        for (const each of give) {
          if (each instanceof Error) throw each;
          yield each;
        }
      };
      const found = { key: '', size: 2000, etag: '', lastModified: new Date(), bytes: assert.fail };
      const { url, log } = await serve(t, {
        get: async () => ({ ...found, stream: () => Readable.from(chunks()) }),
      });
      // Whether the head of the answer gets through before the connection breaks is the system's business.
      await assert.rejects(async () => buffer(await ask(url, FILE)), /aborted|socket hang up/);
      assert.equal(log.length, 1);
      assert.match(log[0]!, text);
      assert.equal((await ask(url, '/ocirepository/')).statusCode, 404);
    });
  }

  test('a store that fails is a 503 that consumers repeat, and says nothing of the store', async (t) => {
    const { url, log } = await serve(t, {
      get: () => Promise.reject(new StorageError("cannot read object 'x' in bucket 'secret': SlowDown")),
    });
    const response = await ask(url, FILE);
    assert.deepEqual([response.statusCode, response.headers['retry-after']], [503, '5']);
    assert.equal((await buffer(response)).toString(), 'the artifact cannot be read now\n');
    assert.match(log[0]!, /cannot be served: cannot read object 'x' in bucket 'secret': SlowDown/);
  });

  test('a store that says nothing for 20 s is a 503', async (t) => {
    const asked = Promise.withResolvers<void>();
    const { url, clock, log } = await serve(t, {
      head: (_, signal) => {
        asked.resolve();
        return new Promise((_, reject) => signal!.addEventListener('abort', () => reject(signal!.reason)));
      },
    });
    const answered = ask(url, FILE, 'HEAD');
    await asked.promise;
    clock.advance(20_000);
    assert.equal((await answered).statusCode, 503);
    assert.match(log[0]!, /the store did not answer within 20 s/);
  });

  test('a store that does not tell whether there is something: 404, and a line for the operator', async (t) => {
    const { url, log } = await serve(t, {
      get: () => Promise.reject(new AccessDenied("cannot read object 'x' in bucket 'b': AccessDenied")),
    });
    const response = await ask(url, FILE);
    assert.equal(response.statusCode, 404);
    response.resume();
    assert.match(log[0]!, /AccessDenied: there is none, or the relay may not read it/);
  });
});
