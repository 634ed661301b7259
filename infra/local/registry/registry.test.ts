import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { sha256Of } from './digest.ts';
import { IMAGE_INDEX, IMAGE_MANIFEST } from './manifest.ts';
import { type LocalRegistry, type RegistryOptions, startRegistry } from './registry.ts';

async function start(t: TestContext, options: Partial<RegistryOptions> = {}): Promise<LocalRegistry> {
  const registry = await startRegistry({ port: 0, ...options });
  t.after(() => registry.close());
  return registry;
}

async function tagPage(registry: LocalRegistry, query: string) {
  const response = await fetch(`${registry.url}/v2/team/app/tags/list${query}`);
  const body = (await response.json()) as { tags: string[]; errors?: { code: string }[] };
  return { status: response.status, link: response.headers.get('link'), ...body };
}

async function errorCode(response: Response): Promise<string> {
  return ((await response.json()) as { errors: { code: string }[] }).errors[0]!.code;
}

async function uploadBlob(registry: LocalRegistry, repository: string, data: string): Promise<string> {
  const digest = sha256Of(data);
  const url = `${registry.url}/v2/${repository}/blobs/uploads/?digest=${digest}`;
  const response = await fetch(url, { method: 'POST', body: data });
  assert.equal(response.status, 201);
  return digest;
}

test('the ping answers with the version of the API', async (t) => {
  const registry = await start(t);
  const response = await fetch(`${registry.url}/v2/`);
  assert.equal(response.status, 200);
  assert.equal(response.headers.get('docker-distribution-api-version'), 'registry/2.0');
});

test('tags are listed in byte order, and paged by n and last', async (t) => {
  const registry = await start(t);
  await registry.push('team/app', ['b', 'a', 'C', '1.10', '1.9']);
  const all = ['1.10', '1.9', 'C', 'a', 'b'];
  assert.deepEqual(registry.tags('team/app'), all);
  for (const [query, tags, link] of [
    ['', all, null],
    ['?n=10', all, null],
    ['?n=5', all, null],
    ['?n=2', ['1.10', '1.9'], '</v2/team/app/tags/list?last=1.9&n=2>; rel="next"'],
    ['?n=2&last=1.9', ['C', 'a'], '</v2/team/app/tags/list?last=a&n=2>; rel="next"'],
    ['?n=2&last=a', ['b'], null],
    ['?last=1.95', ['C', 'a', 'b'], null],
    ['?n=0', [], null],
    ['?last=zzz', [], null],
  ] as const) {
    const page = await tagPage(registry, query);
    assert.deepEqual([page.tags, page.link], [tags, link], query);
  }
  const refused = await tagPage(registry, '?n=many');
  assert.equal(refused.status, 400);
  assert.equal(refused.errors?.[0]?.code, 'PAGINATION_NUMBER_INVALID');
});

test('a registry may page by itself, not at all, or with absolute links', async (t) => {
  const tags = ['a', 'b', 'c'];
  const capped = await start(t, { paging: { max: 2, absolute: true } });
  await capped.push('team/app', tags);
  const page = await tagPage(capped, '?n=1000');
  assert.deepEqual(page.tags, ['a', 'b']);
  assert.equal(page.link, `<${capped.url}/v2/team/app/tags/list?last=b&n=2>; rel="next"`);
  const careless = await start(t, { paging: { ignore: true } });
  await careless.push('team/app', tags);
  assert.deepEqual((await tagPage(careless, '?n=1')).tags, tags);
});

test('a tag that is pushed later takes its place in the order', async (t) => {
  const registry = await start(t);
  await registry.push('team/app', ['a', 'c']);
  assert.deepEqual(registry.tags('team/app'), ['a', 'c']);
  await registry.push('team/app', 'b');
  await registry.push('team/app', 'a', { annotations: { moved: 'yes' } });
  assert.deepEqual(registry.tags('team/app'), ['a', 'b', 'c']);
  await registry.deleteTag('team/app', 'b');
  assert.deepEqual(registry.tags('team/app'), ['a', 'c']);
});

test('10,000 tags are one push', async (t) => {
  const registry = await start(t);
  await registry.push(
    'team/app',
    Array.from({ length: 10_000 }, (_, index) => `v${index}`),
  );
  assert.equal((await tagPage(registry, '')).tags.length, 10_000);
});

test('manifests are put and read by tag and by digest', async (t) => {
  const registry = await start(t);
  const digest = await uploadBlob(registry, 'team/app', 'config');
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: IMAGE_MANIFEST,
    config: { mediaType: 'application/json', digest, size: 6 },
    layers: [],
  });
  const url = `${registry.url}/v2/team/app/manifests`;
  const put = await fetch(`${url}/1.0`, {
    method: 'PUT',
    body: manifest,
    headers: { 'content-type': IMAGE_MANIFEST },
  });
  assert.equal(put.status, 201);
  assert.equal(put.headers.get('docker-content-digest'), sha256Of(manifest));
  for (const reference of ['1.0', sha256Of(manifest)]) {
    const got = await fetch(`${url}/${reference}`);
    assert.equal(got.headers.get('content-type'), IMAGE_MANIFEST);
    assert.equal(got.headers.get('docker-content-digest'), sha256Of(manifest));
    assert.equal(await got.text(), manifest);
    const head = await fetch(`${url}/${reference}`, { method: 'HEAD' });
    assert.equal(head.headers.get('content-length'), String(manifest.length));
  }
});

test('manifests that cannot be are refused', async (t) => {
  const registry = await start(t);
  const unknown = { mediaType: 'application/json', digest: sha256Of('nowhere'), size: 1 };
  const url = `${registry.url}/v2/team/app/manifests`;
  for (const [reference, body, status, code] of [
    ['1.0', 'no json', 400, 'MANIFEST_INVALID'],
    ['1.0', '{"layers":[{"digest":"md5:1"}]}', 400, 'MANIFEST_INVALID'],
    ['1.0', JSON.stringify({ config: unknown }), 404, 'MANIFEST_BLOB_UNKNOWN'],
    ['1.0', JSON.stringify({ manifests: [unknown] }), 404, 'MANIFEST_BLOB_UNKNOWN'],
    ['1.0', JSON.stringify({ mediaType: IMAGE_INDEX }), 400, 'MANIFEST_INVALID'],
    ['-bad', '{}', 400, 'MANIFEST_INVALID'],
    [sha256Of('other'), '{}', 400, 'DIGEST_INVALID'],
    ['sha256:short', '{}', 400, 'DIGEST_INVALID'],
  ] as const) {
    const headers = { 'content-type': IMAGE_MANIFEST };
    const response = await fetch(`${url}/${reference}`, { method: 'PUT', body, headers });
    assert.deepEqual([response.status, await errorCode(response)], [status, code], `${reference} ${body}`);
  }
});

test('deleting a tag keeps the manifest, deleting a digest takes its tags', async (t) => {
  const registry = await start(t);
  const { digest } = await registry.push('team/app', ['a', 'b', 'c']);
  const url = `${registry.url}/v2/team/app/manifests`;
  assert.equal((await fetch(`${url}/a`, { method: 'DELETE' })).status, 202);
  assert.equal((await fetch(`${url}/a`)).status, 404);
  assert.deepEqual(registry.tags('team/app'), ['b', 'c']);
  assert.equal((await fetch(`${url}/${digest}`, { method: 'DELETE' })).status, 202);
  assert.deepEqual(registry.tags('team/app'), []);
  assert.equal(await errorCode(await fetch(`${url}/${digest}`, { method: 'DELETE' })), 'MANIFEST_UNKNOWN');
});

test('a blob goes up in two requests, or in chunks that follow each other', async (t) => {
  const registry = await start(t);
  const begin = async () => {
    const response = await fetch(`${registry.url}/v2/team/app/blobs/uploads/`, { method: 'POST' });
    assert.equal(response.status, 202);
    return registry.url + response.headers.get('location')!;
  };
  const whole = await begin();
  const put = await fetch(`${whole}?digest=${sha256Of('hello')}`, { method: 'PUT', body: 'hello' });
  assert.equal(put.status, 201);
  const chunked = await begin();
  const patch = (range: string, body: string) =>
    fetch(chunked, { method: 'PATCH', body, headers: { 'content-range': range } });
  assert.equal((await patch('0-2', 'abc')).headers.get('range'), '0-2');
  const gap = await patch('9-11', 'xyz');
  assert.equal(gap.status, 416);
  assert.equal(gap.headers.get('range'), '0-2');
  assert.equal((await patch('3-4', 'de')).status, 202);
  assert.equal((await fetch(chunked)).headers.get('range'), '0-4');
  const end = await fetch(`${chunked}?digest=${sha256Of('abcdef')}`, { method: 'PUT', body: 'f' });
  assert.equal(end.status, 201);
  const blob = await fetch(`${registry.url}/v2/team/app/blobs/${sha256Of('abcdef')}`);
  assert.equal(await blob.text(), 'abcdef');
  assert.equal(await errorCode(await fetch(chunked)), 'BLOB_UPLOAD_UNKNOWN');
});

test('an upload that is not what its digest names is refused; one may be given up', async (t) => {
  const registry = await start(t);
  const url = `${registry.url}/v2/team/app/blobs/uploads/`;
  const wrong = await fetch(`${url}?digest=${sha256Of('other')}`, { method: 'POST', body: 'this' });
  assert.deepEqual([wrong.status, await errorCode(wrong)], [400, 'DIGEST_INVALID']);
  const started = await fetch(url, { method: 'POST' });
  const upload = registry.url + started.headers.get('location')!;
  assert.equal((await fetch(upload, { method: 'DELETE' })).status, 204);
  assert.equal((await fetch(upload)).status, 404);
});

test('a blob is mounted from another repository, or uploaded where it is not', async (t) => {
  const registry = await start(t);
  const digest = await uploadBlob(registry, 'team/base', 'layer');
  const mount = (from: string) =>
    fetch(`${registry.url}/v2/team/app/blobs/uploads/?mount=${digest}&from=${from}`, { method: 'POST' });
  assert.equal((await mount('team/elsewhere')).status, 202);
  assert.equal((await fetch(`${registry.url}/v2/team/app/blobs/${digest}`)).status, 404);
  assert.equal((await mount('team/base')).status, 201);
  assert.equal((await fetch(`${registry.url}/v2/team/app/blobs/${digest}`)).status, 200);
});

test('ranges of a blob', async (t) => {
  const registry = await start(t);
  const digest = await uploadBlob(registry, 'team/app', '0123456789');
  for (const [range, status, body, contentRange] of [
    ['bytes=0-3', 206, '0123', 'bytes 0-3/10'],
    ['bytes=7-', 206, '789', 'bytes 7-9/10'],
    ['bytes=-2', 206, '89', 'bytes 8-9/10'],
    ['bytes=5-99', 206, '56789', 'bytes 5-9/10'],
    ['bytes=1-2,4-5', 200, '0123456789', null],
  ] as const) {
    const response = await fetch(`${registry.url}/v2/team/app/blobs/${digest}`, { headers: { range } });
    const actual = [response.status, await response.text(), response.headers.get('content-range')];
    assert.deepEqual(actual, [status, body, contentRange], range);
  }
  const beyond = await fetch(`${registry.url}/v2/team/app/blobs/${digest}`, {
    headers: { range: 'bytes=10-' },
  });
  assert.equal(beyond.status, 416);
});

test('referrers are listed by subject, and filtered by type', async (t) => {
  const registry = await start(t);
  const subject = await registry.push('team/app', '1.0');
  await registry.push('team/app', [], { artifactType: 'application/x.sbom', subject });
  const signature = await registry.push('team/app', [], {
    artifactType: 'application/x.signature',
    subject,
    annotations: { by: 'us' },
  });
  const url = `${registry.url}/v2/team/app/referrers/${subject.digest}`;
  const list = (await (await fetch(url)).json()) as { manifests: unknown[] };
  assert.equal(list.manifests.length, 2);
  const response = await fetch(`${url}?artifactType=application/x.signature`);
  assert.equal(response.headers.get('oci-filters-applied'), 'artifactType');
  assert.deepEqual(((await response.json()) as { manifests: unknown[] }).manifests, [
    { ...signature, artifactType: 'application/x.signature', annotations: { by: 'us' } },
  ]);
});

test('what does not exist has its own code', async (t) => {
  const registry = await start(t, { referrers: false });
  await registry.push('team/app', '1.0');
  const nothing = sha256Of('nothing');
  for (const [path, status, code] of [
    ['/v2/team/none/tags/list', 404, 'NAME_UNKNOWN'],
    ['/v2/team/app/manifests/none', 404, 'MANIFEST_UNKNOWN'],
    [`/v2/team/app/blobs/${nothing}`, 404, 'BLOB_UNKNOWN'],
    ['/v2/team/app/blobs/sha256:1', 400, 'DIGEST_INVALID'],
    ['/v2/Team/app/tags/list', 400, 'NAME_INVALID'],
    ['/v2/team//tags/list', 400, 'NAME_INVALID'],
    [`/v2/team/app/referrers/${nothing}`, 404, 'UNSUPPORTED'],
    ['/v2/team/app', 404, 'UNSUPPORTED'],
    ['/token', 404, 'UNSUPPORTED'],
    ['/', 404, 'UNSUPPORTED'],
  ] as const) {
    const response = await fetch(registry.url + path);
    assert.deepEqual([response.status, await errorCode(response)], [status, code], path);
  }
  const post = await fetch(`${registry.url}/v2/team/app/tags/list`, { method: 'POST' });
  assert.deepEqual([post.status, post.headers.get('allow')], [405, 'GET, HEAD']);
});

test('requests are counted by method and path', async (t) => {
  const registry = await start(t);
  await registry.push('team/app', '1.0');
  assert.equal(registry.requests.count(), 0);
  await tagPage(registry, '?n=1');
  await tagPage(registry, '');
  await fetch(`${registry.url}/v2/`);
  assert.equal(registry.requests.count('GET', '/v2/team/app/tags/list'), 2);
  assert.equal(registry.requests.count('*', /^\/v2\//), 3);
  assert.deepEqual(
    registry.requests.records.map(({ query, status }) => [query, status]),
    [
      ['?n=1', 200],
      ['', 200],
      ['', 200],
    ],
  );
  registry.requests.clear();
  assert.equal(registry.requests.count(), 0);
});

test('with a data folder, everything is there again after a restart', async (t) => {
  const dataFolder = await mkdtemp(join(tmpdir(), 'longshore-registry-'));
  t.after(() => rm(dataFolder, { recursive: true }));
  const first = await startRegistry({ port: 0, dataFolder });
  const pushed = await first.push('team/app', ['1.0', '1.1']);
  const blob = await uploadBlob(first, 'team/app', 'layer');
  await first.push('team/app', [], { subject: pushed, artifactType: 'application/x.note' });
  await first.deleteTag('team/app', '1.0');
  await first.close();

  const second = await start(t, { dataFolder });
  assert.deepEqual(second.tags('team/app'), ['1.1']);
  const manifest = await fetch(`${second.url}/v2/team/app/manifests/1.1`);
  assert.equal(sha256Of(await manifest.text()), pushed.digest);
  const content = await fetch(`${second.url}/v2/team/app/blobs/${blob}`, { headers: { range: 'bytes=1-2' } });
  assert.equal(await content.text(), 'ay');
  const referrers = await fetch(`${second.url}/v2/team/app/referrers/${pushed.digest}`);
  assert.equal(((await referrers.json()) as { manifests: unknown[] }).manifests.length, 1);
});
