/** Tokens, certificates and proxies of a transport. */
import assert from 'node:assert/strict';
import type { RequestListener } from 'node:http';
import https from 'node:https';
import { describe, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { createAuthority } from '../../test/parts/certificates.ts';
import { GET, messageMatches, serve, transportTo } from '../../test/parts/kube-transport.ts';
import { startConnectProxy, startSocksProxy } from '../../test/parts/tunnels.ts';
import type { KubeTransport } from './transport.ts';

describe('a token that a function gives', () => {
  const guard =
    (accepted: string): RequestListener =>
    (request, response) => {
      const known = request.headers.authorization === `Bearer ${accepted}`;
      response.writeHead(known ? 200 : 401).end('{}');
    };

  for (const [how, ask] of [
    ['request', (transport: KubeTransport) => transport.request(GET)],
    ['stream', (transport: KubeTransport) => transport.open({ path: '/' })],
  ] as const) {
    test(`is renewed once when it is refused (${how})`, async (t) => {
      const server = await serve(t, guard('new'));
      const refusals: (string | undefined)[] = [];
      const token = async (refused?: string) => {
        refusals.push(refused);
        return refused === 'old' ? 'new' : 'old';
      };
      const answer = await ask(transportTo(t, { server: server.url, token }));
      assert.equal(answer.status, 200);
      assert.deepEqual(refusals, [undefined, 'old']);
      assert.equal(server.requests, 2);
    });
  }

  test('is not tried for ever', async (t) => {
    const server = await serve(t, guard('never'));
    let made = 0;
    const transport = transportTo(t, { server: server.url, token: async () => `token-${made++}` });
    assert.equal((await transport.request(GET)).status, 401);
    assert.equal(server.requests, 2);
  });

  test('that stays the same is not presented again', async (t) => {
    const server = await serve(t, guard('never'));
    const transport = transportTo(t, { server: server.url, token: async () => 'same' });
    assert.equal((await transport.request(GET)).status, 401);
    assert.equal(server.requests, 1);
  });

  test('that cannot be had is an error of one line without credentials', async (t) => {
    const transport = transportTo(t, {
      server: 'http://127.0.0.1:1',
      token: () => Promise.reject(new Error('login failed:\npassword=canary42')),
    });
    await assert.rejects(transport.request(GET), messageMatches(/^login failed: password=\*\*\*$/));
  });
});

describe('TLS', async () => {
  const authority = await createAuthority();
  const server = await authority.server();
  const client = await authority.client();
  const options = { ...server, ca: authority.ca, requestCert: true, rejectUnauthorized: false };

  test('trusts the CA of the endpoint', async (t) => {
    const { url } = await serve(t, (_request, response) => response.end('{}'), https.createServer(options));
    const answer = await transportTo(t, { server: url, ca: authority.ca }).request(GET);
    assert.equal(answer.status, 200);
  });

  test('keeps its connections: a handshake costs more than ten requests', async (t) => {
    const counted = await serve(t, (_request, response) => response.end('{}'), https.createServer(options));
    const transport = transportTo(t, { server: counted.url, ca: authority.ca, ...client });
    for (let count = 0; count < 5; count++) await transport.request(GET);
    assert.equal(counted.connections, 1);
  });

  test('presents the client certificate', async (t) => {
    const answerWithName: RequestListener = (request, response) => {
      response.end(String((request.socket as TLSSocket).authorized));
    };
    const { url } = await serve(t, answerWithName, https.createServer(options));
    const answer = await transportTo(t, { server: url, ca: authority.ca, ...client }).request(GET);
    assert.equal(answer.body.toString(), 'true');
    const anonymous = await transportTo(t, { server: url, ca: authority.ca }).request(GET);
    assert.equal(anonymous.body.toString(), 'false');
  });

  test('refuses a server of another CA, and one of another name', async (t) => {
    const { url } = await serve(t, (_request, response) => response.end('{}'), https.createServer(options));
    await assert.rejects(transportTo(t, { server: url }).request(GET), messageMatches(/certificate/));
    const misnamed = { server: url, ca: authority.ca, serverName: 'api.example.com' };
    await assert.rejects(transportTo(t, misnamed).request(GET), messageMatches(/api\.example\.com/));
  });

  test('trusts anybody when it is told to', async (t) => {
    const { url } = await serve(t, (_request, response) => response.end('{}'), https.createServer(options));
    const answer = await transportTo(t, { server: url, insecureSkipVerify: true }).request(GET);
    assert.equal(answer.status, 200);
  });
});

describe('a proxy', async () => {
  const authority = await createAuthority();
  const pair = await authority.server();
  const answer: RequestListener = (_request, response) => response.end('{}');

  for (const [kind, start] of [
    ['http', () => startConnectProxy()],
    ['socks5', () => startSocksProxy()],
  ] as const) {
    test(`of kind ${kind} carries requests and streams, over kept connections`, async (t) => {
      const { url } = await serve(t, answer, https.createServer(pair));
      const proxy = await start();
      t.after(() => proxy.close());
      const transport = transportTo(t, { server: url, ca: authority.ca, proxyUrl: proxy.url });
      for (let count = 0; count < 3; count++) assert.equal((await transport.request(GET)).status, 200);
      const { body } = await transport.open({ path: '/' });
      assert.equal((await body.toArray()).join(''), '{}');
      const { host } = new URL(url);
      assert.deepEqual(proxy.targets, [host, host]);
    });
  }

  test('gets the account of its address; the server is still verified', async (t) => {
    const { url } = await serve(t, answer, https.createServer(pair));
    const proxy = await startConnectProxy('jane:canary42');
    t.after(() => proxy.close());
    const proxyUrl = proxy.url.replace('://', '://jane:canary42@');
    assert.equal(
      (await transportTo(t, { server: url, ca: authority.ca, proxyUrl }).request(GET)).status,
      200,
    );
    await assert.rejects(
      transportTo(t, { server: url, proxyUrl }).request(GET),
      messageMatches(/certificate/),
    );
  });

  test('of another kind is refused without showing its account', async (t) => {
    const transport = transportTo(t, { server: 'https://127.0.0.1:1', proxyUrl: 'ftp://jane:canary42@host' });
    await assert.rejects(transport.request(GET), (error: Error) => {
      assert.equal(error.message, 'the proxy of the API server must be a URL with http, https or socks5');
      return true;
    });
  });
});
