import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startServer } from './server.ts';

const LOCAL = '127.0.0.1:0';

async function* figures() {
  yield '# TYPE a counter\n';
  yield 'a 1\n';
}

async function get(port: number, path: string, method = 'GET') {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { method });
  return { status: response.status, text: await response.text(), type: response.headers.get('content-type') };
}

test('health says that the process lives, readiness that the watches do', async () => {
  let ready = false;
  const served = { ready: () => ready, metrics: figures };
  const server = await startServer(served, { health: LOCAL, metrics: '[::1]:0' });
  try {
    const [health] = server.ports as [number];
    assert.equal((await get(health, '/healthz')).status, 200);
    assert.equal((await get(health, '/readyz')).status, 503);
    ready = true;
    assert.equal((await get(health, '/readyz?verbose')).status, 200);
    assert.equal((await get(health, '/metrics')).status, 404);
    assert.equal((await get(health, '/healthz', 'POST')).status, 405);
  } finally {
    await server.close();
  }
});

test('one address serves everything, metrics in the exposition format', async () => {
  const server = await startServer(
    { ready: () => true, metrics: figures },
    { health: LOCAL, metrics: LOCAL },
  );
  try {
    const [port] = server.ports as [number];
    assert.equal(server.ports.length, 1);
    const metrics = await get(port, '/metrics');
    assert.deepEqual(
      [metrics.text, metrics.type],
      ['# TYPE a counter\na 1\n', 'text/plain; version=0.0.4; charset=utf-8'],
    );
  } finally {
    await server.close();
  }
});

test('an address that is taken is named with the setting that moves it', async () => {
  const served = { ready: () => true, metrics: figures };
  const first = await startServer(served, { health: LOCAL, metrics: LOCAL });
  try {
    const taken = `127.0.0.1:${first.ports[0]}`;
    await assert.rejects(startServer(served, { health: LOCAL, metrics: taken }), {
      message: new RegExp(`^--metrics-addr: cannot listen on ${taken}: .*EADDRINUSE`),
    });
  } finally {
    await first.close();
  }
});
