import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, describe, test } from 'node:test';
import { closeConnections } from './connections.ts';
import { type Handle, openTest, sendJson, soon, startServer } from './test-registry.ts';

after(closeConnections);

const MANIFEST = JSON.stringify({ schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json' });
const TYPE = 'application/vnd.oci.image.index.v1+json';
const digestOf = (text: string | Buffer, algorithm = 'sha256') =>
  `${algorithm}:${createHash(algorithm).update(text).digest('hex')}`;

/** Opens a registry of which `handle` answers everything but `/v2/`. */
async function withRegistry<T>(
  handle: Handle,
  use: (
    opened: Awaited<ReturnType<typeof openTest>>,
    server: Awaited<ReturnType<typeof startServer>>,
  ) => Promise<T>,
): Promise<T> {
  const server = await startServer((request, response, raw) =>
    request.url === '/v2/' ? sendJson(response, {}) : handle(request, response, raw),
  );
  try {
    return await use(await openTest(`${server.host}/team/app`), server);
  } finally {
    await server.close();
  }
}

const serveManifest =
  (headers: Record<string, string> = {}, headStatus = 200): Handle =>
  ({ method }, response) => {
    response.writeHead(method === 'HEAD' ? headStatus : 200, { 'content-type': TYPE, ...headers });
    response.end(method === 'HEAD' ? undefined : MANIFEST);
  };

describe('the digest of a tag (IR-DIG-1, IR-DIG-2)', () => {
  test('one HEAD, the digest of the header', async () => {
    const header = { 'docker-content-digest': digestOf(MANIFEST) };
    await withRegistry(serveManifest(header), async ({ registry }, { requests }) => {
      assert.equal(await registry.digestOf('v1', soon()), digestOf(MANIFEST));
      const [head, ...more] = requests.filter(({ url }) => url !== '/v2/');
      assert.deepEqual([head?.method, head?.url, more.length], ['HEAD', '/v2/team/app/manifests/v1', 0]);
      assert.match(
        String(head?.headers.accept),
        /^application\/vnd\.oci\.image\.index\.v1\+json, .*manifest\.v1\+prettyjws/,
      );
    });
  });

  for (const [name, handle] of [
    ['no header', serveManifest()],
    ['a header that is no digest', serveManifest({ 'docker-content-digest': 'sha256:short' })],
    ['405', serveManifest({}, 405)],
    ['501', serveManifest({}, 501)],
  ] as const) {
    test(`${name}: the digest of the bytes`, async () => {
      await withRegistry(handle, async ({ registry }) => {
        assert.equal(await registry.digestOf('v1', soon()), digestOf(MANIFEST));
      });
    });
  }

  test('a missing tag is an error', async () => {
    await withRegistry(
      (_, response) => response.writeHead(404).end(),
      async ({ registry }) => {
        await assert.rejects(registry.digestOf('v1', soon()), {
          code: 'not-found',
          message: /^HEAD http:.*\/v2\/team\/app\/manifests\/v1: unexpected status code 404 Not Found$/,
        });
      },
    );
  });

  test('another digest than the one asked for is an error', async () => {
    const header = { 'docker-content-digest': digestOf('other') };
    await withRegistry(serveManifest(header), async ({ registry }) => {
      await assert.rejects(registry.digestOf(digestOf(MANIFEST), soon()), {
        code: 'malformed',
        message: /has digest/,
      });
    });
  });
});

describe('manifests', () => {
  test('bytes, type and digest', async () => {
    await withRegistry(serveManifest(), async ({ registry }) => {
      const manifest = await registry.manifest('v1', soon());
      assert.deepEqual(manifest, {
        digest: digestOf(MANIFEST),
        mediaType: TYPE,
        bytes: Buffer.from(MANIFEST),
      });
      const sha512 = digestOf(MANIFEST, 'sha512');
      assert.equal((await registry.manifest(sha512, soon())).digest, sha512);
    });
  });

  test('other bytes than the digest says are refused', async () => {
    await withRegistry(serveManifest(), async ({ registry }) => {
      await assert.rejects(registry.manifest(digestOf('other'), soon()), {
        code: 'malformed',
        message: /has digest/,
      });
    });
  });

  test('5 MiB are too many', async () => {
    await withRegistry(
      (_, response) => response.end(Buffer.alloc(5 * 1024 * 1024)),
      async ({ registry }) => {
        await assert.rejects(registry.manifest('v1', soon()), /manifest is larger than the limit of 4 MiB/);
      },
    );
  });
});

describe('blobs', () => {
  const content = Buffer.alloc(3 * 1024 * 1024, 'layer');

  async function read(stream: AsyncIterable<Buffer>): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  test('are streamed, from wherever the registry sends us, without credentials there', async () => {
    const storage = await startServer((_, response) =>
      response.writeHead(200, { 'content-length': content.length }).end(content),
    );
    await withRegistry(
      (_, response) => response.writeHead(307, { location: `${storage.url}/blob?X-Amz-Signature=s` }).end(),
      async ({ registry }) => {
        const blob = await registry.blob(digestOf(content), soon());
        assert.equal(blob.size, content.length);
        assert.ok((await read(blob.stream)).equals(content));
        assert.equal(storage.requests[0]?.authorization, undefined);
      },
    );
    await storage.close();
  });

  test('other content than the digest says fails at its end', async () => {
    await withRegistry(
      (_, response) => response.end('other'),
      async ({ registry }) => {
        const { stream } = await registry.blob(digestOf(content), soon());
        await assert.rejects(read(stream), { code: 'malformed', message: /the content has digest/ });
      },
    );
  });

  test('a cut stream and the deadline reach the reader', async () => {
    await withRegistry(
      (_, response, raw) => {
        response.writeHead(200, { 'content-length': content.length });
        response.write(content.subarray(0, 1000), () => setImmediate(() => raw.socket.destroy()));
      },
      async ({ registry }) => {
        const { stream } = await registry.blob(digestOf(content), soon());
        await assert.rejects(read(stream), { code: 'network', message: /cut/ });
      },
    );
    await withRegistry(
      (_, response) => {
        response.writeHead(200, { 'content-length': content.length });
        response.write(content.subarray(0, 1000));
      },
      async ({ registry }) => {
        const controller = new AbortController();
        const { stream } = await registry.blob(digestOf(content), controller.signal);
        setTimeout(() => controller.abort(new Error('deadline of 1s exceeded')), 20);
        await assert.rejects(read(stream), { code: 'timeout' });
      },
    );
  });

  test('a stream that is not read to its end lets the connection go', async () => {
    let closed = () => {};
    const left = new Promise<void>((resolve) => {
      closed = resolve;
    });
    await withRegistry(
      (_, response) => {
        response.on('close', closed);
        response.writeHead(200);
        response.write(content);
      },
      async ({ registry }) => {
        const { stream } = await registry.blob(digestOf(content), soon());
        stream.destroy();
        await left;
      },
    );
  });
});
