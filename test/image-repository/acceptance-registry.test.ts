/** Acceptance of `ImageRepository`, points 6 to 10 of appendix F: what happens between a scan and its registry. */
import assert from 'node:assert/strict';
import { connect, createServer, type Socket } from 'node:net';
import { afterEach, before, beforeEach, describe, it } from 'node:test';
import {
  type LocalRegistry,
  type RegistryOptions,
  startRegistry,
} from '../../infra/local/registry/registry.ts';
import type { ImageRepositorySpec } from '../../shared/api/image-repository.ts';
import { type Authority, createAuthority } from '../parts/certificates.ts';

import { createFakeCluster } from '../workbench/fake-cluster.ts';
import { assertKstatus } from '../workbench/kstatus.ts';
import { startProxy } from './proxy.ts';
import { openWorkbench, type Workbench } from './workbench.ts';

const LISTING = /\/tags\/list/;
const TAGS = ['1.0', '1.1', 'latest'];

let bench: Workbench;
let open: (() => Promise<void>)[];

beforeEach(async () => {
  open = [];
  bench = await openWorkbench({ kube: createFakeCluster(), speed: 10 });
});
afterEach(async () => {
  for (const close of open) await close();
  await bench.close();
});

async function registryWith(
  options: Partial<RegistryOptions> = {},
  tags: string[] = TAGS,
): Promise<LocalRegistry> {
  const registry = await startRegistry({ port: 0, ...options });
  open.push(() => registry.close());
  await registry.push('team/app', tags);
  return registry;
}

/** Scans `team/app` of `host` once: the Ready condition and what was found. */
async function scan(host: string, spec: Partial<ImageRepositorySpec> = {}, name = 'web') {
  await bench.create(name, { image: `${host}/team/app`, ...spec });
  const outcome = await bench.run(name);
  const object = (await bench.read(name))!;
  assertKstatus(object);
  const ready = object.status!.conditions!.find(({ type }) => type === 'Ready')!;
  return { outcome, ready, result: object.status!.lastScanResult, object };
}

const dockerConfig = (host: string, entry: Record<string, string>) =>
  bench.secret(
    'regcred',
    { '.dockerconfigjson': JSON.stringify({ auths: { [host]: entry } }) },
    'kubernetes.io/dockerconfigjson',
  );
const withSecret = { secretRef: { name: 'regcred' } };

describe('6. scheme and pages', () => {
  let authority: Authority;
  before(async () => {
    authority = await createAuthority();
  });

  it('https only', async () => {
    const registry = await registryWith({ tls: await authority.server() });
    await bench.secret('tls', { 'ca.crt': authority.ca });
    const { ready, result } = await scan(registry.host, { certSecretRef: { name: 'tls' } });
    assert.equal(ready.status, 'True', ready.message);
    assert.equal(result!.tagCount, TAGS.length);
  });

  it('http only', async () => {
    const { ready } = await scan((await registryWith()).host);
    assert.equal(ready.status, 'True', ready.message);
  });

  it('a port that is silent for https and answers http', async () => {
    const registry = await registryWith();
    const front = await startSilentTls(registry.port);
    const { ready } = await scan(front.host);
    assert.equal(ready.status, 'True', ready.message);
  });

  it('neither: both causes are told', async () => {
    const { ready } = await scan('127.0.0.1:1');
    assert.equal(ready.reason, 'ReadOperationFailed');
    assert.match(ready.message, /https:\/\/127\.0\.0\.1:1/);
    assert.match(ready.message, /http:\/\/127\.0\.0\.1:1/);
  });

  for (const count of [1, 1000, 1001, 25_000]) {
    for (const absolute of [false, true]) {
      it(`${count} tags, ${absolute ? 'absolute' : 'relative'} links`, async () => {
        const tags = Array.from({ length: count }, (_, index) => `v${index}`);
        const registry = await registryWith({ paging: { absolute } }, tags);
        const { result, outcome } = await scan(registry.host);
        assert.equal(result!.tagCount, count);
        assert.equal(registry.requests.count('GET', LISTING), Math.ceil(count / 1000));
        assert.equal(
          (await bench.record('web', (await bench.read('web'))!.metadata.uid))!.tags.length,
          count,
        );
        const pages = outcome.measures?.find(({ name }) => name === 'imagereflect_scan_pages_total');
        assert.equal(pages?.value, Math.ceil(count / 1000));
      });
    }
  }

  it('a link to another host is refused', async () => {
    const registry = await registryWith();
    registry.faults.add({
      path: LISTING,
      headers: { link: '<http://registry.example/v2/team/app/tags/list?last=x>; rel="next"' },
    });
    const { ready } = await scan(registry.host);
    assert.equal(ready.reason, 'ReadOperationFailed');
    assert.match(ready.message, /registry\.example/);
  });

  it('links that go round are refused', async () => {
    const registry = await registryWith();
    registry.faults.add({ path: LISTING, headers: { link: '</v2/team/app/tags/list?n=1000>; rel="next"' } });
    const { ready } = await scan(registry.host);
    assert.equal(ready.reason, 'ReadOperationFailed');
    assert.match(ready.message, /loop/);
    assert.equal(await bench.record('web', (await bench.read('web'))!.metadata.uid), undefined);
  });

  it('a listing that fails on its second page stores nothing (IR-REPO-11)', async () => {
    const registry = await registryWith(
      {},
      Array.from({ length: 1500 }, (_, index) => `v${index}`),
    );
    registry.faults.add({ path: LISTING, skip: 1, status: 403 });
    const { ready, object } = await scan(registry.host);
    assert.equal(ready.reason, 'ReadOperationFailed');
    assert.equal(await bench.record('web', object.metadata.uid), undefined);
  });
});

describe('7. who asks', () => {
  const users = { ann: 'canary-password' };
  for (const scheme of ['basic', 'bearer'] as const) {
    it(`${scheme}: user and password`, async () => {
      const registry = await registryWith({ auth: { scheme, users } });
      await dockerConfig(registry.host, { username: 'ann', password: users.ann });
      const { ready } = await scan(registry.host, withSecret);
      assert.equal(ready.status, 'True', ready.message);
      assertNowhere(users.ann, [ready]);
    });

    it(`${scheme}: a wrong password`, async () => {
      const registry = await registryWith({ auth: { scheme, users } });
      await dockerConfig(registry.host, { username: 'ann', password: 'canary-wrong' });
      const { ready, outcome } = await scan(registry.host, withSecret);
      assert.equal(ready.reason, 'ReadOperationFailed');
      assert.match(ready.message, /401/);
      assertNowhere('canary-wrong', [ready, outcome]);
    });
  }

  it('a Secret that is no pull secret: the event beside the 401 says so, once a generation', async () => {
    const registry = await registryWith({ auth: { scheme: 'bearer', users } });
    await bench.secret('regcred', { username: 'ann', password: 'pw' });
    const { ready } = await scan(registry.host, withSecret);
    assert.match(ready.message, /401/);
    const ignored = async () =>
      (await bench.events('web')).filter(({ reason }) => reason === 'SecretIgnored');
    const [event] = await ignored();
    assert.match(event!.message, /regcred' of type 'Opaque' is ignored/);
    await bench.run('web', { attempt: 1 });
    assert.deepEqual(await ignored(), [event]);
  });

  it('identity token', async () => {
    const registry = await registryWith({
      auth: { scheme: 'bearer', users, identityTokens: { 'canary-identity': 'ann' } },
    });
    await dockerConfig(registry.host, { identitytoken: 'canary-identity' });
    const { ready } = await scan(registry.host, withSecret);
    assert.equal(ready.status, 'True', ready.message);
    assertNowhere('canary-identity', [ready]);
  });

  it('identity token where the realm knows only GET', async () => {
    const registry = await registryWith({ auth: { scheme: 'bearer', users, tokenPost: false } });
    await dockerConfig(registry.host, { username: 'ann', password: users.ann, identitytoken: 'unused' });
    const { ready } = await scan(registry.host, withSecret);
    assert.equal(ready.status, 'True', ready.message);
  });

  it('a realm on a metadata address is refused', async () => {
    const registry = await registryWith({
      auth: { scheme: 'bearer', users, realm: 'http://169.254.169.254/latest/token' },
    });
    await dockerConfig(registry.host, { username: 'ann', password: users.ann });
    const { ready } = await scan(registry.host, withSecret);
    assert.equal(ready.reason, 'ReadOperationFailed');
    assert.match(ready.message, /169\.254\.169\.254/);
  });

  it('tokens that were revoked are renewed within the scan', async () => {
    const registry = await registryWith({ auth: { scheme: 'bearer', users } });
    await dockerConfig(registry.host, { username: 'ann', password: users.ann });
    await scan(registry.host, withSecret);
    registry.revokeTokens();
    const { ready } = await scan(registry.host, withSecret, 'second');
    assert.equal(ready.status, 'True', ready.message);
  });

  /** The log and the events as well. */
  function assertNowhere(secret: string, texts: unknown[]): void {
    const places = JSON.stringify([texts, bench.log]);
    for (const form of [secret, Buffer.from(secret).toString('base64').replace(/=+$/, '')]) {
      assert.ok(!places.includes(form), `${form} in ${places}`);
    }
  }
});

describe('8. TLS', () => {
  let authority: Authority;
  before(async () => {
    authority = await createAuthority();
  });
  const tls = { certSecretRef: { name: 'tls' } };

  it('an unknown authority fails', async () => {
    const registry = await registryWith({ tls: await authority.server() });
    const { ready } = await scan(registry.host);
    assert.equal(ready.reason, 'ReadOperationFailed');
    assert.match(ready.message, /certificate/);
    assert.doesNotMatch(ready.message, /Node/, 'no advice for whoever starts the process');
  });

  for (const key of ['ca.crt', 'caFile']) {
    it(key, async () => {
      const registry = await registryWith({ tls: await authority.server() });
      await bench.secret('tls', { [key]: authority.ca });
      const { ready } = await scan(registry.host, tls);
      assert.equal(ready.status, 'True', ready.message);
    });
  }

  for (const [ca, cert, key] of [
    ['ca.crt', 'tls.crt', 'tls.key'],
    ['caFile', 'certFile', 'keyFile'],
    ['caFile', 'tls.crt', 'keyFile'],
  ] as const) {
    it(`client certificate: ${ca}, ${cert}, ${key}`, async () => {
      const registry = await registryWith({ tls: { ...(await authority.server()), clientCa: authority.ca } });
      const client = await authority.client();
      await bench.secret('tls', { [ca]: authority.ca, [cert]: client.cert, [key]: client.key });
      const { ready } = await scan(registry.host, tls);
      assert.equal(ready.status, 'True', ready.message);
      const deprecated = (await bench.events('web')).filter(
        ({ reason }) => reason === 'DeprecatedSecretKeys',
      );
      assert.equal(deprecated.length, [ca, cert, key].filter((name) => name.endsWith('File')).length);
      await bench.run('web', { trigger: 'requested' });
      const again = (await bench.events('web')).filter(({ reason }) => reason === 'DeprecatedSecretKeys');
      assert.deepEqual(again, deprecated, 'once a generation');
    });
  }

  it('without its certificate the client is not let in', async () => {
    const registry = await registryWith({ tls: { ...(await authority.server()), clientCa: authority.ca } });
    await bench.secret('tls', { 'ca.crt': authority.ca });
    const { ready } = await scan(registry.host, tls);
    assert.equal(ready.reason, 'ReadOperationFailed');
  });

  it('one Secret may hold both, credentials and certificates (IR-AUTH-4)', async () => {
    const users = { ann: 'secret-a' };
    const registry = await registryWith({
      tls: await authority.server(),
      auth: { scheme: 'bearer', users },
    });
    const auths = { [registry.host]: { username: 'ann', password: 'secret-a' } };
    await bench.secret(
      'tls',
      { 'ca.crt': authority.ca, '.dockerconfigjson': JSON.stringify({ auths }) },
      'kubernetes.io/dockerconfigjson',
    );
    const { ready } = await scan(registry.host, { ...tls, secretRef: { name: 'tls' } });
    assert.equal(ready.status, 'True', ready.message);
  });
});

describe('9. proxies', () => {
  for (const account of [undefined, 'joe:canary-proxy']) {
    it(account ? 'with a user' : 'without a user', async () => {
      const users = { ann: 'secret-a' };
      const registry = await registryWith({ auth: { scheme: 'bearer', users } });
      const proxy = await startProxy(account);
      open.push(() => proxy.close());
      const [username, password] = account?.split(':') ?? [];
      await bench.secret('proxy', {
        address: proxy.address,
        ...(username && password && { username, password }),
      });
      await dockerConfig(registry.host, { username: 'ann', password: 'secret-a' });
      const { ready } = await scan(registry.host, { ...withSecret, proxySecretRef: { name: 'proxy' } });
      assert.equal(ready.status, 'True', ready.message);
      assert.ok(proxy.targets.length > 0);
      assert.ok(proxy.targets.every((target) => target === registry.host));
      if (account) assert.ok(proxy.users.every((user) => user === account));
      assert.ok(!JSON.stringify(bench.log).includes('canary-proxy'));
    });
  }

  it('connections to the token service pass it as well', async () => {
    const users = { ann: 'secret-a' };
    const tokens = await registryWith({ auth: { scheme: 'bearer', users } });
    const registry = await registryWith({ auth: { scheme: 'bearer', users, realm: `${tokens.url}/token` } });
    const proxy = await startProxy();
    open.push(() => proxy.close());
    await bench.secret('proxy', { address: proxy.address });
    await dockerConfig(registry.host, { username: 'ann', password: 'secret-a' });
    // The tokens of the one are not those of the other: that it was asked through the proxy is all that counts here.
    await scan(registry.host, { ...withSecret, proxySecretRef: { name: 'proxy' } });
    assert.ok(proxy.targets.includes(tokens.host), proxy.targets.join());
    assert.ok(tokens.requests.count('*', '/token') > 0);
  });

  it('a proxy that is not there fails the scan', async () => {
    const registry = await registryWith();
    await bench.secret('proxy', { address: 'http://127.0.0.1:1' });
    const { ready } = await scan(registry.host, { proxySecretRef: { name: 'proxy' } });
    assert.equal(ready.reason, 'ReadOperationFailed');
    assert.equal(registry.requests.count(), 0);
  });
});

describe('10. patience', () => {
  it('429 with Retry-After: 2 succeeds in the same run', async () => {
    const registry = await registryWith();
    registry.faults.add({ path: LISTING, times: 1, status: 429, headers: { 'retry-after': '2' } });
    const { ready } = await scan(registry.host);
    assert.equal(ready.status, 'True', ready.message);
    assert.equal(registry.requests.count('GET', LISTING), 2);
  });

  it('503 three times fails', async () => {
    const registry = await registryWith();
    registry.faults.add({ path: LISTING, status: 503 });
    const { ready } = await scan(registry.host);
    assert.equal(ready.reason, 'ReadOperationFailed');
    assert.match(ready.message, /503/);
    assert.equal(registry.requests.count('GET', LISTING), 3);
  });
});

/** Swallows what begins like TLS, passes everything else on to `port`. */
async function startSilentTls(port: number): Promise<{ host: string }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('data', (first) => {
      if (first[0] === 0x16) return;
      const upstream = connect(port, '127.0.0.1');
      sockets.add(upstream);
      upstream.on('error', () => socket.destroy());
      upstream.write(first);
      socket.pipe(upstream).pipe(socket);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push(
    () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  );
  return { host: `127.0.0.1:${(server.address() as { port: number }).port}` };
}
