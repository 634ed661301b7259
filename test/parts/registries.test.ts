import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAuthority } from './certificates.ts';
import { startDebianRegistry } from './debian-registry.ts';
import { startDistribution } from './distribution.ts';
import { needs } from './parts.ts';

/** `user:password`, bcrypt. */
const HTPASSWD = 'user:$2y$05$kmzJBVYkRtmA9bl4sX2jF.sB5rZGCmxTyHNNDeWmTaQM1OkjXtHOG\n';

test('Distribution answers, with metrics', needs('registry'), async (t) => {
  const registry = await startDistribution({ metrics: true });
  t.after(() => registry.stop());
  assert.equal((await fetch(`${registry.url}/v2/`)).status, 200);
  assert.equal(registry.host, `127.0.0.1:${registry.port}`);
  assert.match(await (await fetch(registry.metricsUrl!)).text(), /registry_http_requests_total/);
});

test('Distribution asks for a password', needs('registry'), async (t) => {
  const registry = await startDistribution({ htpasswd: HTPASSWD });
  t.after(() => registry.stop());
  const answer = await fetch(`${registry.url}/v2/`);
  assert.equal(answer.status, 401);
  assert.match(answer.headers.get('www-authenticate')!, /^Basic realm="tests"/);
});

test('Distribution speaks HTTPS', needs('registry'), async (t) => {
  const authority = await createAuthority();
  const registry = await startDistribution({ tls: await authority.server() });
  t.after(() => registry.stop());
  assert.match(registry.url, /^https:/);
  await assert.rejects(fetch(`${registry.url}/v2/`), (error: Error) =>
    /certificate/.test(String(error.cause)),
  );
});

test("Debian's registry answers", needs('docker-registry'), async (t) => {
  const registry = await startDebianRegistry();
  t.after(() => registry.stop());
  assert.equal((await fetch(`${registry.url}/v2/`)).status, 200);
});
