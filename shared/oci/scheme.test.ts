import assert from 'node:assert/strict';
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { after, describe, test } from 'node:test';
import { createAuthority } from '../../test/parts/certificates.ts';
import { closeConnections } from './connections.ts';
import { RegistryMemory } from './memory.ts';
import { openTest, QuickClock, sendJson, servePages, soon, startServer } from './test-registry.ts';

after(closeConnections);

const authority = await createAuthority('scheme');
const certificate = await authority.server();
const trusted = {
  spec: { certSecretRef: { name: 'ca' } },
  secrets: { ca: { data: { 'ca.crt': authority.ca } } },
};

/** Speaks http, and keeps silent to everybody who says hello in TLS. */
async function startSilentTls() {
  const server = await startServer(servePages(['a']));
  const door = net.createServer((client) => {
    client.once('data', (chunk) => {
      if (chunk[0] === 0x16) return;
      const target = net.connect(server.port, '127.0.0.1');
      target.write(chunk);
      client.pipe(target).pipe(client);
    });
    client.on('error', () => {});
  });
  door.listen(0, '127.0.0.1');
  await once(door, 'listening');
  const close = async () => {
    door.close();
    await server.close();
  };
  return { host: `127.0.0.1:${(door.address() as AddressInfo).port}`, requests: server.requests, close };
}

describe('the scheme of a connection (acceptance 6, IR-NAM-10)', () => {
  test('https is preferred', async () => {
    const server = await startServer(servePages(['a']), certificate);
    const { registry } = await openTest(`${server.host}/app`, trusted);
    assert.deepEqual((await registry.listTags(soon())).tags, ['a']);
    await server.close();
  });

  test('http serves where nobody speaks TLS', async () => {
    const server = await startServer(servePages(['a']));
    const { registry, memory } = await openTest(`${server.host}/app`);
    assert.deepEqual((await registry.listTags(soon())).tags, ['a']);
    const again = await openTest(`${server.host}/app`, { memory });
    await again.registry.listTags(soon());
    assert.equal(server.requests.filter(({ url }) => url === '/v2/').length, 1);
    await server.close();
  });

  test('a port that is silent to TLS costs 300 ms, once', async () => {
    const server = await startSilentTls();
    const memory = new RegistryMemory();
    const clock = new QuickClock();
    const started = Date.now();
    await (await openTest(`${server.host}/app`, { memory, clock })).registry.listTags(soon());
    assert.ok(Date.now() - started >= 290);
    await (await openTest(`${server.host}/app`, { memory, clock })).registry.listTags(soon());
    assert.equal(server.requests.length, 3);
    await server.close();
  });

  test('when both fail both causes are told', async () => {
    const { registry } = await openTest('127.0.0.1:1/app');
    await assert.rejects(registry.listTags(soon()), {
      name: 'RegistryError',
      message:
        /^GET https:\/\/127\.0\.0\.1:1\/v2\/: connect ECONNREFUSED.*; GET http:\/\/127\.0\.0\.1:1\/v2\/: connect ECONNREFUSED/,
    });
  });

  test('what TLS says is the same in every process: a status would change with each retry', async () => {
    const server = await startServer((_, response) => sendJson(response, {}, { status: 404 }));
    const { registry } = await openTest(`${server.host}/app`);
    const error: Error = await registry.listTags(soon()).catch((reason) => reason);
    await server.close();
    assert.equal(
      error.message,
      `GET https://${server.host}/v2/: write EPROTO (SSL routines: wrong version number); ` +
        `GET http://${server.host}/v2/: unexpected status code 404 Not Found`,
    );
  });

  test('credentials wait for the decision', async () => {
    const server = await startServer((request, response, raw) => {
      if (request.authorization) return servePages(['a'])(request, response, raw);
      sendJson(response, {}, { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } });
    });
    const auth = Buffer.from('user:pass').toString('base64');
    const content = JSON.stringify({ auths: { [server.host]: { auth } } });
    const { registry } = await openTest(`${server.host}/app`, {
      spec: { secretRef: { name: 'pull' } },
      secrets: { pull: { type: 'kubernetes.io/dockerconfigjson', data: { '.dockerconfigjson': content } } },
    });
    await registry.listTags(soon());
    assert.deepEqual(
      server.requests.map(({ url, authorization }) => [url, authorization]),
      [
        ['/v2/', undefined],
        ['/v2/app/tags/list?n=1000', `Basic ${auth}`],
      ],
    );
    await server.close();
  });

  test('a registry that changes its scheme is found again', async () => {
    const plain = await startServer(servePages(['old']));
    const { registry } = await openTest(`${plain.host}/app`, trusted);
    assert.deepEqual((await registry.listTags(soon())).tags, ['old']);
    await plain.close();
    const secure = await startServer(servePages(['new']), certificate, plain.port);
    assert.deepEqual((await registry.listTags(soon())).tags, ['new']);
    await secure.close();
  });

  test('a host that is not http-capable is asked by https only', async (t) => {
    const dns = (await import('node:dns')).default;
    t.mock.method(dns, 'lookup', (_name: string, _options: unknown, done: (...args: unknown[]) => void) =>
      done(null, [{ address: '127.0.0.1', family: 4 }]),
    );
    const server = await startServer(servePages(['a']));
    const { registry } = await openTest(`registry.example:${server.port}/app`);
    await assert.rejects(registry.listTags(soon()), { code: 'tls' });
    assert.equal(server.requests.length, 0);
    const insecure = await openTest(`registry.example:${server.port}/app`, { spec: { insecure: true } });
    assert.deepEqual((await insecure.registry.listTags(soon())).tags, ['a']);
    await server.close();
  });
});

describe('the first answer (IR-REG-1)', () => {
  test('a 401 without a challenge that we know fails', async () => {
    const server = await startServer((_, response) =>
      sendJson(response, {}, { status: 401, headers: { 'www-authenticate': 'Negotiate' } }),
    );
    const { registry } = await openTest(`${server.host}/app`);
    await assert.rejects(
      registry.listTags(soon()),
      /unexpected status code 401: no Basic or Bearer challenge/,
    );
    await server.close();
  });

  test('any other status fails', async () => {
    const server = await startServer((_, response) => sendJson(response, {}, { status: 404 }));
    const { registry } = await openTest(`${server.host}/app`);
    await assert.rejects(registry.listTags(soon()), /GET http:\/\/.*\/v2\/: unexpected status code 404/);
    await server.close();
  });
});
