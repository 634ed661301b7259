import assert from 'node:assert/strict';
import dns from 'node:dns';
import { after, describe, test } from 'node:test';
import { closeConnections } from './connections.ts';
import { RegistryMemory } from './memory.ts';
import {
  accessTo,
  openTest,
  pullSecret,
  QuickClock,
  type Recorded,
  sendJson,
  servePages,
  soon,
  startServer,
  type TestSecret,
} from './test-registry.ts';

after(closeConnections);

const basic = (user: string, password: string) =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

interface TokenRegistryOptions {
  /** Answers the token service; by default with `token-1`, `token-2`, … */
  answer?: (request: Recorded, count: number) => { status?: number; body: unknown };
  realm?: (url: string) => string;
  /** Which tokens the registry takes; by default the newest. */
  accepts?: (token: string) => boolean;
  challenge?: string;
}

/** A registry with its token service, on one port. */
async function startTokenRegistry(options: TokenRegistryOptions = {}) {
  let issued = 0;
  const tags = servePages(['a', 'b']);
  const server = await startServer((request, response, raw) => {
    if (request.url.startsWith('/token')) {
      issued++;
      const { status, body } = options.answer?.(request, issued) ?? { body: { token: `token-${issued}` } };
      return sendJson(response, body, { status });
    }
    const token = request.authorization?.replace('Bearer ', '') ?? '';
    const accepts = options.accepts ?? ((given) => given === `token-${issued}`);
    if (token && accepts(token)) return tags(request, response, raw);
    const realm = options.realm?.(server.url) ?? `${server.url}/token`;
    const challenge = options.challenge ?? `Bearer realm="${realm}",service="the registry",scope="ignored"`;
    sendJson(
      response,
      { errors: [{ code: 'UNAUTHORIZED', message: `no: ${token}` }] },
      {
        status: 401,
        headers: { 'www-authenticate': challenge },
      },
    );
  });
  return Object.assign(server, {
    tokenRequests: () => server.requests.filter(({ url }) => url.startsWith('/token')),
    lists: () => server.requests.filter(({ url }) => url.includes('tags/list')),
  });
}

function withSecret(secret: TestSecret) {
  return { spec: { secretRef: { name: 'pull' } }, secrets: { pull: secret } };
}

describe('bearer tokens (acceptance 7, IR-REG-2)', () => {
  test('anonymous: scope and service, no credentials', async () => {
    const server = await startTokenRegistry();
    const { registry } = await openTest(`${server.host}/team/app`);
    assert.deepEqual((await registry.listTags(soon())).tags, ['a', 'b']);
    const [request] = server.tokenRequests();
    const query = new URL(request!.url, 'http://x').searchParams;
    assert.equal(query.get('scope'), 'repository:team/app:pull');
    assert.equal(query.get('service'), 'the registry');
    assert.equal(request!.authorization, undefined);
    await server.close();
  });

  test('user and password go to the token service only', async () => {
    const server = await startTokenRegistry();
    const secret = pullSecret(server.host, { username: 'user', password: 'pass' });
    const { registry } = await openTest(`${server.host}/app`, withSecret(secret));
    await registry.listTags(soon());
    assert.equal(server.tokenRequests()[0]?.authorization, basic('user', 'pass'));
    assert.deepEqual(
      server.requests
        .filter(({ url }) => !url.startsWith('/token'))
        .map(({ authorization }) => authorization),
      [undefined, 'Bearer token-1'],
    );
    await server.close();
  });

  test('an identity token is exchanged by POST', async () => {
    const server = await startTokenRegistry({ answer: () => ({ body: { access_token: 'token-1' } }) });
    const secret = pullSecret(server.host, { identitytoken: 'identity' });
    const { registry } = await openTest(`${server.host}/app`, withSecret(secret));
    await registry.listTags(soon());
    const [request] = server.tokenRequests();
    assert.equal(request?.method, 'POST');
    assert.equal(request?.authorization, undefined);
    assert.deepEqual(Object.fromEntries(new URLSearchParams(request?.body)), {
      grant_type: 'refresh_token',
      refresh_token: 'identity',
      client_id: 'longshore',
      scope: 'repository:app:pull',
      service: 'the registry',
    });
    await server.close();
  });

  for (const status of [404, 405]) {
    test(`a token service that answers POST with ${status} is asked by GET`, async () => {
      const server = await startTokenRegistry({
        answer: ({ method }, count) =>
          method === 'POST' ? { status, body: {} } : { body: { token: `token-${count}` } },
      });
      const secret = pullSecret(server.host, { identitytoken: 'identity', username: 'u', password: 'p' });
      const { registry } = await openTest(`${server.host}/app`, withSecret(secret));
      await registry.listTags(soon());
      const [post, get] = server.tokenRequests();
      assert.deepEqual([post?.method, get?.method, get?.authorization], ['POST', 'GET', basic('u', 'p')]);
      await server.close();
    });
  }

  test('a registry token is used as it is', async () => {
    const server = await startTokenRegistry({ accepts: (token) => token === 'registry-token' });
    const secret = pullSecret(server.host, { registrytoken: 'registry-token' });
    const { registry } = await openTest(`${server.host}/app`, withSecret(secret));
    await registry.listTags(soon());
    assert.equal(server.tokenRequests().length, 0);
    await server.close();
  });

  test('a token is kept until shortly before it expires', async () => {
    const server = await startTokenRegistry({
      answer: (_, count) => ({ body: { token: `token-${count}`, expires_in: 300 } }),
    });
    const memory = new RegistryMemory();
    const clock = new QuickClock();
    const scan = async () =>
      (await openTest(`${server.host}/app`, { memory, clock })).registry.listTags(soon());
    await scan();
    const first = server.requests.length;
    clock.advance(280_000);
    await scan();
    assert.equal(server.requests.length, first + 1);
    clock.advance(10_000);
    await scan();
    assert.equal(server.requests.length, first + 3);
    assert.equal(server.tokenRequests().length, 2);
    await server.close();
  });

  test('a token that is refused is forgotten, and the registry asked once more', async () => {
    const server = await startTokenRegistry();
    const { registry, memory } = await openTest(`${server.host}/app`);
    await registry.listTags(soon());
    // The registry has issued another token meanwhile: the one that we keep is no longer good.
    await fetch(`${server.url}/token`);
    server.requests.length = 0;
    const again = await openTest(`${server.host}/app`, { memory });
    assert.deepEqual((await again.registry.listTags(soon())).tags, ['a', 'b']);
    assert.equal(server.lists().length, 2);
    assert.equal(server.tokenRequests().length, 1);
    await server.close();
  });

  test('a 401 in the middle of a listing repeats that page, once a scan (IR-REG-5)', async () => {
    const tags = Array.from({ length: 2500 }, (_, index) => `v${index}`);
    const pages = servePages(tags);
    let valid = 'token-1';
    let issued = 0;
    const server = await startServer((request, response, raw) => {
      if (request.url.startsWith('/token')) return sendJson(response, { token: `token-${++issued}` });
      if (request.authorization === `Bearer ${valid}`) {
        if (request.url.includes('last=')) valid = 'token-2';
        if (request.authorization === `Bearer ${valid}` || !request.url.includes('last=')) {
          return pages(request, response, raw);
        }
      }
      sendJson(
        response,
        {},
        {
          status: 401,
          headers: { 'www-authenticate': `Bearer realm="http://${request.headers.host}/token"` },
        },
      );
    });
    const { registry } = await openTest(`${server.host}/app`);
    assert.equal((await registry.listTags(soon())).tags.length, 2500);
    assert.equal(issued, 2);
    await server.close();
  });

  test('a registry that always answers 401 is asked twice, not for ever', async () => {
    const server = await startTokenRegistry({ accepts: () => false });
    const { registry } = await openTest(`${server.host}/app`);
    await assert.rejects(registry.listTags(soon()), { code: 'unauthorized', status: 401 });
    assert.equal(server.lists().length, 2);
    await server.close();
  });

  test('a 403 with a remembered token asks for a new one, with a fresh one it fails', async () => {
    let refuse = false;
    const tags = servePages(['a']);
    let issued = 0;
    const server = await startServer((request, response, raw) => {
      if (request.url.startsWith('/token')) return sendJson(response, { token: `token-${++issued}` });
      if (!request.authorization) {
        const challenge = `Bearer realm="http://${request.headers.host}/token"`;
        return sendJson(response, {}, { status: 401, headers: { 'www-authenticate': challenge } });
      }
      if (refuse || request.authorization !== `Bearer token-${issued}`)
        return sendJson(response, {}, { status: 403 });
      tags(request, response, raw);
    });
    const { registry } = await openTest(`${server.host}/app`);
    await registry.listTags(soon());
    issued = 5;
    assert.deepEqual((await registry.listTags(soon())).tags, ['a']);
    assert.equal(issued, 6);
    refuse = true;
    await assert.rejects(registry.listTags(soon()), { status: 403 });
    assert.equal(issued, 7);
    await server.close();
  });

  test('the token of one secret serves no other', async () => {
    const server = await startTokenRegistry({ accepts: () => true });
    const memory = new RegistryMemory();
    for (const password of ['one', 'two']) {
      const secret = pullSecret(server.host, { username: 'user', password });
      const { registry } = await openTest(`${server.host}/app`, { memory, ...withSecret(secret) });
      await registry.listTags(soon());
    }
    assert.deepEqual(
      server.tokenRequests().map(({ authorization }) => authorization),
      [basic('user', 'one'), basic('user', 'two')],
    );
    await server.close();
  });
});

describe('refusals', () => {
  test('a wrong password fails with the answer of the token service, and shows nothing', async () => {
    const server = await startTokenRegistry({
      answer: () => ({
        status: 401,
        body: {
          errors: [
            { code: 'UNAUTHORIZED', message: 'user:canary-value is wrong, Basic dXNlcjpjYW5hcnktdmFsdWU=' },
          ],
        },
      }),
    });
    const secret = pullSecret(server.host, { username: 'user', password: 'canary-value' });
    const { registry } = await openTest(`${server.host}/app`, withSecret(secret));
    await assert.rejects(registry.listTags(soon()), (error: Error) => {
      assert.match(
        error.message,
        /\/token\?scope=repository:app:pull&service=the registry: unexpected status code 401/,
      );
      assert.doesNotMatch(error.message, /canary|dXNlcjpj/);
      return true;
    });
    await server.close();
  });

  test('a registry that repeats our token in its error shows nothing', async () => {
    const server = await startTokenRegistry({
      answer: () => ({ body: { token: 'canary.token.value' } }),
      accepts: () => false,
    });
    const { registry } = await openTest(`${server.host}/app`);
    await assert.rejects(registry.listTags(soon()), (error: Error) => {
      assert.match(error.message, /UNAUTHORIZED: no: \*\*\*/);
      assert.doesNotMatch(error.message, /canary/);
      return true;
    });
    await server.close();
  });

  test('a refused Basic password is not tried twice, in a later run neither', async () => {
    const server = await startTokenRegistry({ challenge: 'Basic realm="x"' });
    const secret = pullSecret(server.host, { username: 'user', password: 'wrong' });
    const memory = new RegistryMemory();
    for (const run of [1, 2]) {
      const { registry } = await openTest(`${server.host}/app`, { ...withSecret(secret), memory });
      await assert.rejects(registry.listTags(soon()), { status: 401 });
      assert.equal(server.lists().length, run);
    }
    await server.close();
  });

  for (const [name, body, message] of [
    ['no token', {}, /token answer holds no usable token/],
    ['a token with a line feed', { token: 'a\nb' }, /token answer holds no usable token/],
    ['HTML', '<html>', /token answer is not valid JSON/],
    ['65 KiB', { token: 'x'.repeat(65 * 1024) }, /token answer is larger than the limit of 64 KiB/],
  ] as const) {
    test(`a token service that answers with ${name}`, async () => {
      const server = await startTokenRegistry({ answer: () => ({ body }) });
      const { registry } = await openTest(`${server.host}/app`);
      await assert.rejects(registry.listTags(soon()), message);
      await server.close();
    });
  }

  for (const [realm, message] of [
    ['http://169.254.169.254/latest/meta-data', /169\.254\.169\.254.*refused/],
    ['http://[::ffff:a9fe:a9fe]/', /refused/],
    ['http://[fd00:ec2::254]/', /refused/],
    ['http://100.100.100.200/', /refused/],
    ['http://2852039166/', /169\.254\.169\.254.*refused/],
    ['file:///etc/passwd', /no http\(s\) address/],
    ['not an address', /no http\(s\) address/],
  ] as const) {
    test(`the realm ${realm} is refused`, async () => {
      const server = await startTokenRegistry({ realm: () => realm });
      const { registry } = await openTest(`${server.host}/app`);
      await assert.rejects(registry.listTags(soon()), message);
      await server.close();
    });
  }
});

describe('who may send us where (decisions 10, acceptance 7)', () => {
  /** A registry that we remember as one on a public address. */
  async function publicRegistry(realm: string) {
    const image = 'registry.example/app';
    const memory = new RegistryMemory();
    const { fingerprint } = await accessTo(image, { insecure: true });
    memory.session(`registry.example ${fingerprint}`).manner = {
      scheme: 'http:',
      challenge: { scheme: 'bearer', realm, service: undefined },
      zone: 'public',
    };
    return openTest(image, { memory, spec: { insecure: true } });
  }

  test('a public registry cannot send us to loopback or private addresses', async () => {
    for (const realm of [
      'http://127.0.0.1:1/token',
      'http://10.0.0.1/token',
      'http://[fd12::1]/token',
      'http://0.0.0.0/',
    ]) {
      const { registry } = await publicRegistry(realm);
      await assert.rejects(registry.listTags(soon()), { code: 'address', message: /refused/ }, realm);
    }
  });

  test('nor by a name that resolves to one', async (t) => {
    t.mock.method(dns, 'lookup', (_name: string, _options: unknown, done: (...args: unknown[]) => void) =>
      done(null, [{ address: '192.168.1.1', family: 4 }]),
    );
    const { registry } = await publicRegistry('http://auth.example/token');
    await assert.rejects(registry.listTags(soon()), {
      code: 'address',
      message: /192\.168\.1\.1 \(auth\.example\) refused/,
    });
  });

  test('loopback and private registries are refused where the operator says so', async () => {
    const settings = (more: object) => ({
      'max-tags': 10,
      'allow-private-addresses': true,
      'allow-loopback-addresses': true,
      ...more,
    });
    const loopback = await openTest('127.0.0.1:5000/app', {
      settings: settings({ 'allow-loopback-addresses': false }),
    });
    await assert.rejects(loopback.registry.listTags(soon()), {
      code: 'address',
      message: /loopback address is not allowed/,
    });
    const inside = await openTest('10.1.2.3/app', {
      settings: settings({ 'allow-private-addresses': false }),
    });
    await assert.rejects(inside.registry.listTags(soon()), {
      code: 'address',
      message: /private address is not allowed/,
    });
    const metadata = await openTest('169.254.169.254/app', { spec: { insecure: true } });
    await assert.rejects(metadata.registry.listTags(soon()), { code: 'address' });
  });
});
