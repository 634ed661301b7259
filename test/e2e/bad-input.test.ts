/** Everything that people and registries get wrong, at the same time and beside objects that are right. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { type FaultRule, tooManyRequests } from '../../infra/local/registry/faults.ts';
import { startRegistry } from '../../infra/local/registry/registry.ts';
import type { ImageRepositorySpec } from '../../shared/api/image-repository.ts';
import { onEveryApiServer } from '../parts/api-servers.ts';
import { LISTING, openStage } from './stage.ts';

interface BadObject {
  /** What is wrong. It is the name of the object, of its repository and of its Secret. */
  name: string;
  /**
   * `OPEN` in an image is a registry for everybody, `PRIVATE` one that wants a password, `BUSY` one that answers 429;
   * the image is `OPEN/team/NAME` when left out.
   */
  spec?: Partial<ImageRepositorySpec>;
  /** How the open registry answers for the object's repository. */
  fault?: FaultRule;
  secret?: { data: Record<string, string>; type?: string };
  reason: string;
  message: RegExp;
}

const DOCKER_CONFIG = 'kubernetes.io/dockerconfigjson';
const secretRef = (name: string) => ({ secretRef: { name } });
const certSecretRef = (name: string) => ({ certSecretRef: { name } });
const proxySecretRef = (name: string) => ({ proxySecretRef: { name } });

const BAD: BadObject[] = [
  {
    name: 'unparsable-image',
    spec: { image: 'OPEN/Team/app' },
    reason: 'ImageURLInvalid',
    message: /^could not parse reference: \S+\/Team\/app$/,
  },
  {
    name: 'image-with-tag',
    spec: { image: 'OPEN/team/app:1.0' },
    reason: 'ImageURLInvalid',
    message: /^image '\S+' should not include a tag; remove ':1\.0'$/,
  },
  {
    name: 'image-with-digest',
    spec: { image: `OPEN/team/app@sha256:${'0'.repeat(64)}` },
    reason: 'ImageURLInvalid',
    message: /^image '\S+' should not include a digest; remove '@sha256:0{64}'$/,
  },
  {
    name: 'image-with-scheme',
    spec: { image: 'oci://OPEN/team/app' },
    reason: 'ImageURLInvalid',
    message: /^image '\S+' should not include URL scheme; remove 'oci:\/\/'$/,
  },
  {
    name: 'gate-is-shut',
    spec: { provider: 'aws', serviceAccountName: 'puller' },
    reason: 'FeatureGateDisabled',
    message: /spec\.serviceAccountName.*ObjectLevelWorkloadIdentity/,
  },
  {
    name: 'bad-pattern',
    spec: { exclusionList: ['^fine$', '(?!dev)'] },
    reason: 'ReadOperationFailed',
    message: /^scan failed: failed to compile regex \(\?!dev\): /,
  },
  {
    name: 'missing-secret',
    spec: secretRef('nobody'),
    reason: 'AuthenticationFailed',
    message: /^failed to configure authentication options: secret '\S+\/nobody' not found$/,
  },
  {
    name: 'missing-service-account',
    spec: { serviceAccountName: 'nobody' },
    reason: 'AuthenticationFailed',
    message: /^failed to configure authentication options: serviceaccount '\S+\/nobody' not found$/,
  },
  {
    name: 'secret-of-another-type',
    spec: { image: 'PRIVATE/team/app', ...secretRef('secret-of-another-type') },
    secret: { data: { username: 'ann', password: 'secret-a' } },
    reason: 'ReadOperationFailed',
    message: /^scan failed: .* 401 /,
  },
  {
    name: 'secret-without-meaning',
    spec: secretRef('secret-without-meaning'),
    secret: { data: { '.dockerconfigjson': '{"auths": "none"}' }, type: DOCKER_CONFIG },
    reason: 'AuthenticationFailed',
    message:
      /^failed .* options: secret '\S+\/secret-without-meaning' key '\.dockerconfigjson' is no docker config/,
  },
  {
    name: 'certificate-without-key',
    spec: certSecretRef('certificate-without-key'),
    secret: { data: { 'tls.crt': 'x' } },
    reason: 'AuthenticationFailed',
    message: /^failed .* options: secret '\S+' contains 'tls\.crt' but missing 'tls\.key'$/,
  },
  {
    name: 'key-without-certificate',
    spec: certSecretRef('key-without-certificate'),
    secret: { data: { 'tls.key': 'x' } },
    reason: 'AuthenticationFailed',
    message: /^failed .* options: secret '\S+' contains 'tls\.key' but missing 'tls\.crt'$/,
  },
  {
    name: 'no-certificate-at-all',
    spec: certSecretRef('no-certificate-at-all'),
    secret: { data: { note: 'x' } },
    reason: 'AuthenticationFailed',
    message:
      /^failed .* options: secret '\S+' must contain either 'ca\.crt' or both 'tls\.crt' and 'tls\.key'$/,
  },
  {
    name: 'certificate-is-none',
    spec: certSecretRef('certificate-is-none'),
    secret: { data: { 'ca.crt': 'x' } },
    reason: 'AuthenticationFailed',
    message: /^failed .* options: secret '\S+': 'ca\.crt' holds no PEM certificate$/,
  },
  {
    name: 'bad-proxy',
    spec: proxySecretRef('bad-proxy'),
    secret: { data: { address: 'gopher://proxy' } },
    reason: 'AuthenticationFailed',
    message:
      /^failed .* options: secret '\S+\/bad-proxy': key 'address' is no URL with scheme http, https or socks5/,
  },
  {
    name: 'cloud-of-another-registry',
    spec: { provider: 'aws', image: 'ghcr.io/org/app' },
    reason: 'ReadOperationFailed',
    message: /^scan failed: invalid AWS registry: 'ghcr\.io'/,
  },
  {
    name: 'cloud-that-is-not-built',
    spec: { provider: 'gcp' },
    reason: 'AuthenticationFailed',
    message: /^failed .* options: .*gcp.*identity/i,
  },
  {
    name: 'nobody-asked-for-a-password',
    spec: { image: 'PRIVATE/team/app' },
    reason: 'ReadOperationFailed',
    message: /^scan failed: GET .*\/team\/app\/tags\/list.*: unexpected status code 401 Unauthorized/,
  },
  {
    name: 'answer-403',
    fault: { status: 403, body: { errors: [{ code: 'DENIED', message: 'not for you' }] } },
    reason: 'ReadOperationFailed',
    message: /^scan failed: GET .*: unexpected status code 403 Forbidden: DENIED: not for you$/,
  },
  {
    name: 'answer-404',
    fault: { status: 404, body: { errors: [{ code: 'NAME_UNKNOWN', message: 'no such repository' }] } },
    reason: 'ReadOperationFailed',
    message: /^scan failed: GET .*: unexpected status code 404 Not Found: NAME_UNKNOWN: no such repository$/,
  },
  {
    name: 'answer-429-for-too-long',
    spec: { image: 'BUSY/team/app', timeout: '2s' },
    reason: 'ReadOperationFailed',
    message: /^scan failed: GET .*: unexpected status code 429 Too Many Requests/,
  },
  {
    name: 'answer-500',
    spec: { timeout: '2s' },
    fault: { status: 500, body: '' },
    reason: 'ReadOperationFailed',
    message: /^scan failed: GET .*: unexpected status code 500 Internal Server Error/,
  },
  {
    name: 'no-answer',
    spec: { timeout: '1s' },
    fault: { delayMs: Number.POSITIVE_INFINITY },
    reason: 'ReadOperationFailed',
    message: /^scan failed: deadline of 1s exceeded/,
  },
  {
    name: 'truncated-json',
    fault: { body: '{"name": "team/app", "tags": ["1.0", ' },
    reason: 'ReadOperationFailed',
    message: /^scan failed: GET .*: .*JSON/,
  },
  {
    name: 'cut-connection',
    spec: { timeout: '2s' },
    fault: { cutAfter: 10 },
    reason: 'ReadOperationFailed',
    message: /^scan failed: GET /,
  },
  {
    name: 'html',
    fault: { body: '<html><body>Please log in</body></html>', headers: { 'content-type': 'text/html' } },
    reason: 'ReadOperationFailed',
    message: /^scan failed: GET .*: .*JSON/,
  },
];

const REASONS = path.join(import.meta.dirname, '../../docs/reasons.md');

test('docs/reasons.md has every reason', () => {
  const page = readFileSync(REASONS, 'utf8');
  for (const reason of new Set(BAD.map((bad) => bad.reason)))
    assert.ok(page.includes(`| \`${reason}\``), reason);
});

onEveryApiServer((api) => {
  test('each bad object says what is wrong with it, and the good ones are Ready', async (t) => {
    const registry = await startRegistry({ port: 0 });
    const closed = await startRegistry({ port: 0, auth: { scheme: 'basic', users: { ann: 'secret-a' } } });
    // A host of its own: everybody who shares a host and credentials respects its `Retry-After`.
    const busy = await startRegistry({ port: 0, faults: [{ path: LISTING, ...tooManyRequests(60) }] });
    t.after(() => Promise.all([registry.close(), closed.close(), busy.close()]));
    const hosts = { OPEN: registry.host, PRIVATE: closed.host, BUSY: busy.host };
    for (const { name, fault } of BAD) {
      await registry.push(`team/${name}`, ['1.0', '2.0']);
      if (fault) registry.faults.add({ path: new RegExp(`^/v2/team/${name}/`), ...fault });
    }
    await registry.push('team/good', ['1.0', '2.0']);
    const stage = await openStage(t, api);
    const product = await stage.serve();
    const good = { image: `${registry.host}/team/good` };

    await stage.create('good-before', good);
    for (const { name, spec, secret } of BAD) {
      const { image = `OPEN/team/${name}` } = spec ?? {};
      const full = image.replace(/OPEN|PRIVATE|BUSY/, (host) => hosts[host as keyof typeof hosts]);
      if (secret) await stage.secret(name, secret.data, secret.type);
      await stage.create(name, { ...spec, image: full });
    }
    await stage.create('good-after', good);

    for (const { name, reason, message } of BAD) {
      const ready = await stage.failed(name);
      assert.equal(ready.reason, reason, name);
      assert.match(ready.message, message);
      assert.doesNotMatch(ready.message, /\n|\bat .*\.ts/, 'one line, no stack');
    }
    for (const name of ['good-before', 'good-after']) {
      await stage.request(name);
      assert.equal((await stage.ready(name)).status!.lastScanResult!.tagCount, 2);
    }
    const scanned = (await stage.records()).map((record) => path.basename(record));
    assert.deepEqual(scanned, ['good-after', 'good-before']);
    assert.ok(product.log.length > BAD.length);
  });
});
