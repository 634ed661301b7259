/** The client against registries that others wrote: CNCF Distribution and Debian's docker-registry. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, describe, test } from 'node:test';
import { createAuthority } from '../../test/parts/certificates.ts';
import { startDebianRegistry } from '../../test/parts/debian-registry.ts';
import { startDistribution } from '../../test/parts/distribution.ts';
import { needs } from '../../test/parts/parts.ts';
import { closeConnections } from './connections.ts';
import { openTest, pullSecret, soon } from './test-registry.ts';

after(closeConnections);

const USER = 'user';
const PASSWORD = 'pass word:1';
/** bcrypt of the password, with the lowest cost. */
const HTPASSWD = `${USER}:$2b$04$abcdefghijklmnopqrstuub9TnyeFISZpldHdbcDU3s8YSnFJEDwi`;

const sha256 = (text: string) => `sha256:${createHash('sha256').update(text).digest('hex')}`;
const CONFIG = '{}';
const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json';
const MANIFEST = JSON.stringify({
  schemaVersion: 2,
  mediaType: MANIFEST_TYPE,
  config: {
    mediaType: 'application/vnd.oci.image.config.v1+json',
    size: CONFIG.length,
    digest: sha256(CONFIG),
  },
  layers: [],
});

/** Pushes one small image under many tags, over plain http. */
async function push(url: string, repository: string, tags: string[], authorization?: string): Promise<void> {
  const headers: Record<string, string> = authorization ? { authorization } : {};
  const started = await fetch(`${url}/v2/${repository}/blobs/uploads/`, { method: 'POST', headers });
  assert.equal(started.status, 202);
  const upload = new URL(started.headers.get('location')!, url);
  upload.searchParams.set('digest', sha256(CONFIG));
  assert.equal((await fetch(upload, { method: 'PUT', headers, body: CONFIG })).status, 201);
  const putManifest = async (tag: string) => {
    const response = await fetch(`${url}/v2/${repository}/manifests/${tag}`, {
      method: 'PUT',
      headers: { ...headers, 'content-type': MANIFEST_TYPE },
      body: MANIFEST,
    });
    assert.equal(response.status, 201, await response.text());
  };
  const left = [...tags];
  const worker = async () => {
    for (let tag = left.pop(); tag !== undefined; tag = left.pop()) await putManifest(tag);
  };
  await Promise.all(Array.from({ length: 16 }, worker));
}

const tagsUpTo = (count: number) => Array.from({ length: count }, (_, index) => `v${index}`);

describe('CNCF Distribution', needs('registry'), () => {
  test('pages through Link, digests, manifests, blobs; what is missing is named', async (t) => {
    const distribution = await startDistribution();
    t.after(() => distribution.stop());
    await push(distribution.url, 'team/app', tagsUpTo(1001));
    const { registry } = await openTest(`${distribution.host}/team/app`);
    const { tags, pages } = await registry.listTags(soon());
    assert.deepEqual([...tags].sort(), tagsUpTo(1001).sort());
    assert.equal(pages, 2);
    assert.equal(await registry.digestOf('v7', soon()), sha256(MANIFEST));
    assert.equal((await registry.manifest('v7', soon())).bytes.toString(), MANIFEST);
    const { stream, size } = await registry.blob(sha256(CONFIG), soon());
    assert.equal(size, CONFIG.length);
    assert.equal(Buffer.concat(await stream.toArray()).toString(), CONFIG);
    const { registry: missing } = await openTest(`${distribution.host}/team/none`);
    await assert.rejects(missing.listTags(soon()), {
      code: 'not-found',
      message: /unexpected status code 404 Not Found: NAME_UNKNOWN: repository name not known to registry$/,
    });
  });

  test('Basic authentication: right, wrong and no password', async (t) => {
    const distribution = await startDistribution({ htpasswd: `${HTPASSWD}\n` });
    t.after(() => distribution.stop());
    const authorization = `Basic ${Buffer.from(`${USER}:${PASSWORD}`).toString('base64')}`;
    await push(distribution.url, 'app', ['v1'], authorization);
    const open = (password?: string) =>
      openTest(`${distribution.host}/app`, {
        spec: password === undefined ? {} : { secretRef: { name: 'pull' } },
        secrets: { pull: pullSecret(distribution.host, { username: USER, password: password ?? '' }) },
      });
    assert.deepEqual((await (await open(PASSWORD)).registry.listTags(soon())).tags, ['v1']);
    await assert.rejects((await open('wrong')).registry.listTags(soon()), { status: 401 });
    await assert.rejects((await open()).registry.listTags(soon()), { status: 401, message: /UNAUTHORIZED/ });
  });

  test('TLS with an authority of its own', async (t) => {
    const authority = await createAuthority('distribution');
    const distribution = await startDistribution({ tls: await authority.server() });
    t.after(() => distribution.stop());
    const open = (ca: string | undefined) =>
      openTest(`${distribution.host}/app`, {
        spec: ca === undefined ? {} : { certSecretRef: { name: 'tls' } },
        secrets: { tls: { data: { 'ca.crt': ca ?? '' } } },
      });
    await assert.rejects((await open(authority.ca)).registry.listTags(soon()), { code: 'not-found' });
    await assert.rejects((await open(undefined)).registry.listTags(soon()), /unable to verify/);
  });
});

describe("Debian's docker-registry", needs('docker-registry'), () => {
  test('knows no n and never pages', async (t) => {
    const debian = await startDebianRegistry();
    t.after(() => debian.stop());
    await push(debian.url, 'app', tagsUpTo(1200));
    const { registry } = await openTest(`${debian.host}/app`);
    const { tags, pages } = await registry.listTags(soon());
    assert.deepEqual([...tags].sort(), tagsUpTo(1200).sort());
    assert.equal(pages, 1);
  });
});
