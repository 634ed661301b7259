import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ArtifactRoute, type Route, startServer } from './server.ts';

const LOCAL = '127.0.0.1:0';

async function* figures() {
  yield '# TYPE a counter\n';
  yield 'a 1\n';
}

const addresses = (health: string, metrics: string, storage = LOCAL) => ({
  'health-addr': health,
  'metrics-addr': metrics,
  'storage-addr': storage,
});

const artifactRoute = (answer: Route): ArtifactRoute => ({ answer, metrics: async () => 'b 2\n' });

async function get(url: string, method = 'GET') {
  const response = await fetch(url, { method });
  return { status: response.status, text: await response.text(), headers: response.headers };
}

test('health says that the process lives, readiness that the watches do', async () => {
  let ready = false;
  const served = { ready: () => ready, metrics: figures };
  const server = await startServer(served, addresses(LOCAL, '[::1]:0'));
  try {
    const { healthUrl, metricsUrl } = server;
    assert.equal((await get(`${healthUrl}/healthz`)).status, 200);
    assert.equal((await get(`${healthUrl}/readyz`)).status, 503);
    ready = true;
    assert.equal((await get(`${healthUrl}/readyz?verbose`)).status, 200);
    assert.equal((await get(`${healthUrl}/metrics`)).status, 404);
    assert.equal((await get(`${metricsUrl}/metrics`)).status, 200);
    assert.match(metricsUrl, /^http:\/\/\[::1\]:\d+$/);
    const refused = await get(`${healthUrl}/healthz`, 'POST');
    assert.deepEqual([refused.status, refused.headers.get('allow')], [405, 'GET, HEAD']);
  } finally {
    await server.close();
  }
});

test('one address serves everything, metrics in the exposition format', async () => {
  const artifacts = artifactRoute((request, response) => void response.end(request.url));
  const server = await startServer(
    { ready: () => true, metrics: figures, artifacts },
    addresses(LOCAL, LOCAL),
  );
  try {
    assert.equal(new Set([server.healthUrl, server.metricsUrl, server.artifactUrl]).size, 1);
    const metrics = await get(`${server.healthUrl}/metrics`);
    assert.deepEqual(
      [metrics.text, metrics.headers.get('content-type')],
      ['# TYPE a counter\na 1\nb 2\n', 'text/plain; version=0.0.4; charset=utf-8'],
    );
    assert.equal((await get(`${server.healthUrl}/ocirepository/a/b`)).text, '/ocirepository/a/b');
    assert.equal((await get(`${server.healthUrl}/ocirepository`)).status, 404);
    assert.equal((await get(`${server.healthUrl}/healthz/a`)).status, 404);
  } finally {
    await server.close();
  }
});

test('nobody listens on the address of artifacts when there are none to serve', async () => {
  const server = await startServer(
    { ready: () => true, metrics: figures },
    addresses(LOCAL, LOCAL, 'no address'),
  );
  assert.equal(server.artifactUrl, undefined);
  await server.close();
});

test('an address that is taken is named with the setting that moves it, and the others are given back', async () => {
  const served = { ready: () => true, metrics: figures, artifacts: artifactRoute(() => {}) };
  const first = await startServer(served, addresses(LOCAL, LOCAL));
  try {
    const taken = new URL(first.healthUrl).host;
    for (const [setting, wanted] of [
      ['health-addr', addresses(taken, LOCAL)],
      ['metrics-addr', addresses(LOCAL, taken)],
      ['storage-addr', addresses(LOCAL, LOCAL, taken)],
    ] as const) {
      await assert.rejects(startServer(served, wanted), {
        message: new RegExp(`^--${setting}: cannot listen on ${taken}: .*EADDRINUSE`),
      });
    }
    await assert.rejects(startServer(served, addresses(taken, taken, taken)), {
      message: /^--health-addr, --metrics-addr, --storage-addr: cannot listen/,
    });
  } finally {
    await first.close();
  }
});

test('a connection on which nothing moves is closed', async () => {
  const artifacts = artifactRoute(() => {});
  const server = await startServer(
    { ready: () => true, metrics: figures, artifacts },
    addresses(LOCAL, LOCAL),
    50,
  );
  try {
    await assert.rejects(fetch(`${server.artifactUrl}/ocirepository/`), TypeError);
  } finally {
    await server.close();
  }
});
