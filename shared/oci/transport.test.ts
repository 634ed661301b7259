import assert from 'node:assert/strict';
import dns from 'node:dns';
import { after, describe, test } from 'node:test';
import { createAuthority } from '../../test/parts/certificates.ts';
import { closeConnections } from './connections.ts';
import { startHttpProxy, startSocksProxy, type TestProxy } from './test-proxy.ts';
import { openTest, sendJson, servePages, soon, startServer, type TestSecret } from './test-registry.ts';

after(closeConnections);

const authority = await createAuthority('registry authority');
const server = await authority.server();
const clients = await createAuthority('client authority');
const client = await clients.client();

describe('TLS (acceptance 8)', () => {
  async function scan(data: Record<string, string> | undefined, tls: object = server) {
    const registry = await startServer(servePages(['a']), tls as typeof server);
    const spec = data && { certSecretRef: { name: 'tls' } };
    const opened = await openTest(`${registry.host}/app`, { spec, secrets: data && { tls: { data } } });
    try {
      return (await opened.registry.listTags(soon())).tags;
    } finally {
      await registry.close();
    }
  }

  test('an unknown authority fails', async () => {
    await assert.rejects(scan(undefined), /GET https:\/\/127\.0\.0\.1:\d+\/v2\/: unable to verify/);
  });

  for (const key of ['ca.crt', 'caFile']) {
    test(`${key} makes it known`, async () => {
      assert.deepEqual(await scan({ [key]: authority.ca }), ['a']);
    });
  }

  test('a certificate for another name fails, through a proxy too', async (t) => {
    t.mock.method(dns, 'lookup', (_name: string, _options: unknown, done: (...args: unknown[]) => void) =>
      done(null, [{ address: '127.0.0.1', family: 4 }]),
    );
    const registry = await startServer(servePages(['a']), server);
    const proxy = await startSocksProxy();
    const secrets = { tls: { data: { 'ca.crt': authority.ca } }, proxy: { data: { address: proxy.url } } };
    for (const proxySecretRef of [undefined, { name: 'proxy' }]) {
      const spec = { certSecretRef: { name: 'tls' }, proxySecretRef };
      const { registry: opened } = await openTest(`registry.example:${registry.port}/app`, { spec, secrets });
      await assert.rejects(opened.listTags(soon()), { code: 'tls', message: /not match certificate/ });
    }
    await proxy.close();
    await registry.close();
  });

  const mutual = { ...server, ca: clients.ca, requestCert: true, rejectUnauthorized: true };
  for (const [name, cert, key, ca] of [
    ['current keys', 'tls.crt', 'tls.key', 'ca.crt'],
    ['older keys', 'certFile', 'keyFile', 'caFile'],
    ['mixed keys', 'tls.crt', 'keyFile', 'caFile'],
  ] as const) {
    test(`a client certificate with ${name}`, async () => {
      const data = { [cert]: client.cert, [key]: client.key, [ca]: authority.ca };
      assert.deepEqual(await scan(data, mutual), ['a']);
    });
  }

  test('without the client certificate the registry refuses', async () => {
    await assert.rejects(scan({ 'ca.crt': authority.ca }, mutual), { name: 'RegistryError' });
  });

  test('insecure does not switch certificate checks off, but for the kind that says so', async () => {
    const registry = await startServer(servePages(['a']), server);
    const strict = await openTest(`${registry.host}/app`, { spec: { insecure: true } });
    await assert.rejects(strict.registry.listTags(soon()), /unable to verify/);
    const rules = { secretsFirst: true, insecureSkipsVerify: true };
    const lax = await openTest(`${registry.host}/app`, { spec: { insecure: true }, access: { rules } });
    assert.deepEqual((await lax.registry.listTags(soon())).tags, ['a']);
    await registry.close();
  });

  test('a warm connection made with one client certificate serves no other object', async () => {
    const registry = await startServer(
      (request, response, raw) => {
        const { subject } = (raw.socket as import('node:tls').TLSSocket).getPeerCertificate();
        if (subject?.CN !== 'client') return sendJson(response, {}, { status: 403 });
        servePages(['a'])(request, response, raw);
      },
      { ...mutual, rejectUnauthorized: false },
    );
    const data = { 'tls.crt': client.cert, 'tls.key': client.key, 'ca.crt': authority.ca };
    const spec = { certSecretRef: { name: 'tls' } };
    const known = await openTest(`${registry.host}/app`, { spec, secrets: { tls: { data } } });
    await known.registry.listTags(soon());
    const { memory } = known;
    const other = await openTest(`${registry.host}/app`, {
      spec,
      secrets: { tls: { data: { 'ca.crt': authority.ca } } },
      memory,
    });
    await assert.rejects(other.registry.listTags(soon()), { status: 403 });
    await registry.close();
  });
});

describe('proxies (acceptance 9, IR-PRX-1)', () => {
  function proxySecret(proxy: TestProxy, user: Record<string, string> = {}): TestSecret {
    return { data: { address: proxy.url, ...user } };
  }

  /** A registry whose token service has another port. */
  async function startPair(tls?: typeof server) {
    const tokens = await startServer((_, response) => sendJson(response, { token: 'secret-token' }), tls);
    const registry = await startServer((request, response, raw) => {
      if (request.authorization === 'Bearer secret-token') return servePages(['a'])(request, response, raw);
      const challenge = `Bearer realm="${tokens.url}/token"`;
      sendJson(response, {}, { status: 401, headers: { 'www-authenticate': challenge } });
    }, tls);
    const close = async () => {
      await registry.close();
      await tokens.close();
    };
    return { registry, tokens, close };
  }

  for (const [name, user, expected] of [
    ['without user', {}, ''],
    ['with user and password', { username: 'us er', password: 'p@ss:word' }, 'us er:p@ss:word'],
    ['with a user alone', { username: 'user' }, 'user:'],
    ['with a password alone', { password: 'ignored' }, ''],
  ] as const) {
    test(`http proxy ${name}, plain http: registry and token service`, async () => {
      const proxy = await startHttpProxy();
      const { registry, tokens, close } = await startPair();
      const { registry: opened } = await openTest(`${registry.host}/app`, {
        spec: { proxySecretRef: { name: 'proxy' } },
        secrets: { proxy: proxySecret(proxy, user) },
      });
      assert.deepEqual((await opened.listTags(soon())).tags, ['a']);
      const plain = proxy.seen.filter((line) => line.startsWith('GET'));
      assert.deepEqual(plain, [
        `GET http://${registry.host}/v2/`,
        `GET http://${tokens.host}/token?scope=repository%3Aapp%3Apull`,
        `GET http://${registry.host}/v2/app/tags/list?n=1000`,
      ]);
      assert.deepEqual([...new Set(proxy.users)], [expected]);
      assert.ok(registry.requests.every(({ headers }) => headers['proxy-authorization'] === undefined));
      await close();
      await proxy.close();
    });
  }

  for (const kind of ['http', 'socks5'] as const) {
    test(`${kind} proxy, https: tunnels for registry and token service, certificates checked`, async () => {
      const proxy = kind === 'http' ? await startHttpProxy() : await startSocksProxy('user');
      const { registry, tokens, close } = await startPair(server);
      const open = (data: Record<string, string>) =>
        openTest(`${registry.host}/app`, {
          spec: { proxySecretRef: { name: 'proxy' }, certSecretRef: { name: 'tls' } },
          secrets: {
            proxy: proxySecret(proxy, { username: 'user', password: 'pass' }),
            tls: { data },
          },
        });
      const { registry: opened } = await open({ 'ca.crt': authority.ca });
      assert.deepEqual((await opened.listTags(soon())).tags, ['a']);
      assert.deepEqual((await opened.listTags(soon())).tags, ['a']);
      const verb = kind === 'http' ? 'CONNECT' : 'SOCKS';
      assert.deepEqual(proxy.seen, [`${verb} ${registry.host}`, `${verb} ${tokens.host}`]);
      assert.deepEqual(proxy.users, ['user:pass', 'user:pass']);
      const stranger = await open({ 'ca.crt': clients.ca });
      await assert.rejects(stranger.registry.listTags(soon()), /unable to verify/);
      await close();
      await proxy.close();
    });
  }

  test('an https proxy is checked like a registry: with the authority of the object', async () => {
    const proxy = await startHttpProxy(undefined, server);
    const secure = await startServer(servePages(['a']), server);
    const plain = await startServer(servePages(['a']));
    const open = (host: string, ca: string) =>
      openTest(`${host}/app`, {
        spec: { proxySecretRef: { name: 'proxy' }, certSecretRef: { name: 'tls' } },
        secrets: { proxy: proxySecret(proxy), tls: { data: { 'ca.crt': ca } } },
      });
    for (const { host } of [secure, plain]) {
      assert.deepEqual((await (await open(host, authority.ca)).registry.listTags(soon())).tags, ['a']);
      await assert.rejects((await open(host, clients.ca)).registry.listTags(soon()), /unable to verify/);
    }
    assert.ok(proxy.seen.includes(`CONNECT ${secure.host}`));
    assert.ok(proxy.seen.includes(`GET http://${plain.host}/v2/app/tags/list?n=1000`));
    for (const one of [proxy, secure, plain]) await one.close();
  });

  test('socks5 resolves names at the proxy, plain http too', async () => {
    const proxy = await startSocksProxy();
    const registry = await startServer(servePages(['a']));
    const { registry: opened } = await openTest(`registry.invalid:${registry.port}/app`, {
      spec: { proxySecretRef: { name: 'proxy' }, insecure: true },
      secrets: { proxy: proxySecret(proxy) },
    });
    assert.deepEqual((await opened.listTags(soon())).tags, ['a']);
    assert.ok(proxy.seen.every((line) => line === `SOCKS registry.invalid:${registry.port}`));
    await registry.close();
    await proxy.close();
  });

  test('a proxy that refuses is named as the one who did', async () => {
    const proxy = await startHttpProxy(407);
    const { registry: opened } = await openTest('registry.invalid/app', {
      spec: { proxySecretRef: { name: 'proxy' } },
      secrets: { proxy: proxySecret(proxy) },
    });
    await assert.rejects(opened.listTags(soon()), /proxy refused the connection: 407/);
    await proxy.close();
  });

  test('a proxy that is silent is left at the deadline', async () => {
    let left = () => {};
    const closed = new Promise<void>((resolve) => {
      left = resolve;
    });
    const { createServer } = await import('node:net');
    const silent = createServer((socket) =>
      socket
        .on('close', left)
        .on('error', () => {})
        .resume(),
    );
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as import('node:net').AddressInfo;
    const { registry: opened } = await openTest('registry.invalid/app', {
      spec: { proxySecretRef: { name: 'proxy' } },
      secrets: { proxy: { data: { address: `http://127.0.0.1:${port}` } } },
    });
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error('deadline of 1s exceeded')), 50);
    await assert.rejects(opened.listTags(controller.signal), { code: 'timeout' });
    await closed;
    silent.close();
  });

  test('literal addresses are judged before a proxy gets to see them', async () => {
    const proxy = await startHttpProxy();
    const { registry: opened } = await openTest('169.254.169.254/app', {
      spec: { proxySecretRef: { name: 'proxy' }, insecure: true },
      secrets: { proxy: proxySecret(proxy) },
    });
    await assert.rejects(opened.listTags(soon()), { code: 'address' });
    assert.deepEqual(proxy.seen, []);
    await proxy.close();
  });

  test("a tenant's proxy may not stand where no registry may", async () => {
    const settings = { 'max-tags': 10, 'allow-private-addresses': true, 'allow-loopback-addresses': false };
    for (const address of ['http://127.0.0.1:1', 'socks5://127.0.0.1:1', 'https://169.254.169.254']) {
      const { registry: opened } = await openTest('registry.invalid/app', {
        spec: { proxySecretRef: { name: 'proxy' } },
        secrets: { proxy: { data: { address } } },
        settings,
      });
      await assert.rejects(opened.listTags(soon()), { code: 'address', message: /refused/ }, address);
    }
  });
});

describe('redirects (IR-REG-3)', () => {
  const auth = Buffer.from('user:pass').toString('base64');
  const secretFor = (host: string): TestSecret => ({
    type: 'kubernetes.io/dockerconfigjson',
    data: { '.dockerconfigjson': JSON.stringify({ auths: { [host]: { auth } } }) },
  });

  /** A Basic registry that sends tag lists to `location`. */
  async function redirecting(location: () => string, status = 307, tls?: typeof server) {
    const registry = await startServer((request, response, raw) => {
      if (!request.authorization) {
        return sendJson(response, {}, { status: 401, headers: { 'www-authenticate': 'Basic' } });
      }
      if (request.url.startsWith('/here')) return sendJson(response, { tags: ['here'] });
      if (request.url.includes('tags/list'))
        return response.writeHead(status, { location: location() }).end('moved');
      servePages(['a'])(request, response, raw);
    }, tls);
    const { registry: opened } = await openTest(`${registry.host}/app`, {
      spec: { secretRef: { name: 'pull' }, ...(tls && { certSecretRef: { name: 'tls' } }) },
      secrets: { pull: secretFor(registry.host), tls: { data: { 'ca.crt': authority.ca } } },
    });
    return { server: registry, opened };
  }

  test('within the origin the credentials go along', async () => {
    for (const status of [301, 302, 303, 307, 308]) {
      const { server: registry, opened } = await redirecting(() => '/here', status);
      assert.deepEqual((await opened.listTags(soon())).tags, ['here']);
      assert.equal(registry.requests.at(-1)?.authorization, `Basic ${auth}`);
      await registry.close();
    }
  });

  test('to another host they stay behind, also when it leads back', async () => {
    const other = await startServer((request, response) =>
      request.url === '/back'
        ? response.writeHead(302, { location: '/end' }).end()
        : sendJson(response, { tags: ['there'] }),
    );
    const { server: registry, opened } = await redirecting(() => `${other.url}/back`);
    assert.deepEqual((await opened.listTags(soon())).tags, ['there']);
    assert.deepEqual(
      other.requests.map(({ authorization }) => authorization),
      [undefined, undefined],
    );
    await registry.close();
    await other.close();
  });

  test('the next page is where the redirect led to, and the credentials stay behind', async () => {
    const other = await startServer(servePages(Array.from({ length: 2001 }, (_, index) => `v${index}`)));
    const { server: registry, opened } = await redirecting(
      () => `${other.url}/v2/behind/app/tags/list?n=1000`,
    );
    assert.equal((await opened.listTags(soon())).tags.length, 2001);
    assert.deepEqual(
      other.requests.map(({ url, authorization }) => [url, authorization]),
      [
        ['/v2/behind/app/tags/list?n=1000', undefined],
        ['/v2/behind/app/tags/list?last=v999&n=1000', undefined],
        ['/v2/behind/app/tags/list?last=v1999&n=1000', undefined],
      ],
    );
    await registry.close();
    await other.close();
  });

  test('a link is read from the page that carried it', async () => {
    const registry = await startServer((request, response) => {
      if (request.url === '/v2/') return sendJson(response, {});
      if (request.url.startsWith('/v2/app/')) {
        return response.writeHead(301, { location: '/v2/new/app/tags/list' }).end();
      }
      const more = !request.url.includes('last=');
      const headers: Record<string, string> = more ? { link: '<?last=a>; rel="next"' } : {};
      sendJson(response, { tags: [more ? 'a' : 'b'] }, { headers });
    });
    const { registry: opened } = await openTest(`${registry.host}/app`);
    assert.deepEqual((await opened.listTags(soon())).tags, ['a', 'b']);
    await registry.close();
  });

  test('a redirect to a metadata address is not made', async () => {
    const { server: registry, opened } = await redirecting(() => 'http://169.254.169.254/latest');
    await assert.rejects(opened.listTags(soon()), { code: 'address' });
    await registry.close();
  });

  test('a registry that counts as public cannot redirect us to loopback', async () => {
    const inside = await startServer((_, response) => sendJson(response, { tags: ['stolen'] }));
    const registry = await startServer((request, response, raw) => {
      if (request.url === '/v2/') return servePages([])(request, response, raw);
      response.writeHead(302, { location: inside.url }).end();
    });
    const proxy = await startHttpProxy();
    proxy.leadTo(registry.port);
    const { registry: opened } = await openTest('registry.invalid/app', {
      spec: { proxySecretRef: { name: 'proxy' }, insecure: true },
      secrets: { proxy: { data: { address: proxy.url } } },
    });
    await assert.rejects(opened.listTags(soon()), {
      code: 'address',
      message: /loopback address is not allowed/,
    });
    assert.equal(inside.requests.length, 0);
    for (const one of [inside, registry, proxy]) await one.close();
  });

  test('a circle of redirects ends', async () => {
    const { server: registry, opened } = await redirecting(() => '/v2/app/tags/list');
    await assert.rejects(opened.listTags(soon()), { code: 'redirect', message: /more than 5 redirects/ });
    await registry.close();
  });

  test('a redirect without location fails', async () => {
    const { server: registry, opened } = await redirecting(() => 'ftp://x/');
    await assert.rejects(opened.listTags(soon()), /redirect without a usable location/);
    await registry.close();
  });

  test('from https to http nothing is followed where http is not allowed', async (t) => {
    // A name that is not http-capable, led to this machine.
    t.mock.method(dns, 'lookup', (_name: string, _options: unknown, done: (...args: unknown[]) => void) =>
      done(null, [{ address: '127.0.0.1', family: 4 }]),
    );
    const named = await authority.server('registry.example');
    const registry = await startServer((request, response, raw) => {
      if (request.url === '/v2/') return servePages([])(request, response, raw);
      response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end();
    }, named);
    const { registry: opened } = await openTest(`registry.example:${registry.port}/app`, {
      spec: { certSecretRef: { name: 'tls' } },
      secrets: { tls: { data: { 'ca.crt': authority.ca } } },
    });
    await assert.rejects(opened.listTags(soon()), {
      code: 'redirect',
      message: /redirect from https to http \(127\.0\.0\.1:1\) refused/,
    });
    await registry.close();
  });
});
