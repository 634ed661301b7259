import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { digestOfBytes } from '../../shared/oci/digest.ts';
import type { Manifest, Registry } from '../../shared/oci/registry.ts';
import { findImage, parseImage } from './manifest.ts';

const OCI = 'application/vnd.oci.image.manifest.v1+json';
const INDEX = 'application/vnd.oci.image.index.v1+json';
const LIST = 'application/vnd.docker.distribution.manifest.list.v2+json';
const signal = new AbortController().signal;

const manifest = (content: unknown, mediaType = OCI): Manifest => {
  const bytes = Buffer.from(typeof content === 'string' ? content : JSON.stringify(content));
  return { digest: digestOfBytes(bytes), mediaType, bytes };
};
const registryWith = (...known: Manifest[]) =>
  ({
    manifest: async (digest: string) => known.find((each) => each.digest === digest)!,
  }) as unknown as Registry;
const child = (found: Manifest, os?: string, architecture?: string) => ({
  digest: found.digest,
  ...(os && { platform: { os, architecture } }),
});

describe('the image behind a digest (9.4)', () => {
  const [one, two] = [manifest({ layers: [], one: 1 }), manifest({ layers: [], two: 2 })];

  test('an image is itself', async () => {
    assert.equal(await findImage(registryWith(), one, 'x', signal), one);
  });

  for (const type of [INDEX, LIST]) {
    test(`the first for linux/amd64 in ${type}`, async () => {
      const index = manifest(
        { manifests: [child(one, 'linux', 'arm64'), child(two, 'linux', 'amd64'), child(one)] },
        type,
      );
      assert.equal(await findImage(registryWith(one, two), index, 'x', signal), two);
    });
  }

  test('an entry without a platform counts', async () => {
    const index = manifest({ manifests: [child(one, 'windows', 'amd64'), child(two)] }, INDEX);
    assert.equal(await findImage(registryWith(one, two), index, 'x', signal), two);
  });

  test('an index within an index', async () => {
    const inner = manifest({ manifests: [child(one)] }, INDEX);
    const outer = manifest({ manifests: [child(inner)] }, LIST);
    assert.equal(await findImage(registryWith(one, inner), outer, 'x', signal), one);
  });

  test('no entry for us', async () => {
    const index = manifest({ manifests: [child(one, 'linux', 'arm64')] }, INDEX);
    await assert.rejects(findImage(registryWith(one), index, 'r/a:1', signal), {
      message: 'no child with platform linux/amd64 in index r/a:1',
    });
  });

  test('more levels than anybody builds', async () => {
    const levels = [one];
    for (let level = 0; level < 9; level++)
      levels.push(manifest({ manifests: [child(levels.at(-1)!)] }, INDEX));
    await assert.rejects(
      findImage(registryWith(...levels), levels.at(-1)!, 'x', signal),
      /more than 8 levels/,
    );
  });

  test('manifests of schema 1 are named', async () => {
    const old = manifest({}, 'application/vnd.docker.distribution.manifest.v1+prettyjws');
    await assert.rejects(
      findImage(registryWith(), old, 'x', signal),
      /'application\/vnd\.docker.*v1\+prettyjws'/,
    );
  });

  test('a name that the registry gives by mistake: what the manifest calls itself counts', async () => {
    const index = manifest({ mediaType: INDEX, manifests: [child(one)] }, 'application/octet-stream');
    assert.equal(await findImage(registryWith(one), index, 'x', signal), one);
    const image = manifest({ layers: [] }, 'text/plain; charset=utf-8');
    assert.equal(await findImage(registryWith(), image, 'x', signal), image);
    const odd = manifest('{', 'text/plain');
    assert.equal(await findImage(registryWith(), odd, 'x', signal), odd);
  });
});

describe('what is read out of it', () => {
  const layer = { mediaType: 'a', digest: 'sha256:1', size: 1 };
  test('layers, annotations and the type of the config', () => {
    const parsed = parseImage(
      manifest({ config: { mediaType: 'c' }, layers: [layer], annotations: { a: 'b' } }),
    );
    assert.deepEqual(parsed, { configType: 'c', layers: [layer], annotations: { a: 'b' } });
  });
  test('what is missing is empty', () => {
    const nothing = { configType: '', layers: [], annotations: {} };
    assert.deepEqual(parseImage(manifest({})), nothing);
    assert.deepEqual(parseImage(manifest({ config: null, layers: null, annotations: null })), nothing);
  });
  for (const [content, why] of [
    ['{', /^it is not valid JSON: /],
    ['[]', /^it is no JSON object$/],
    [{ layers: [{ digest: 'x', size: -1 }] }, /^layers\.0\.size: /],
    [{ layers: 'none' }, /^layers: /],
    [{ annotations: { a: 1 } }, /^annotations\.a: /],
  ] as const) {
    test(`refused: ${JSON.stringify(content)}`, () =>
      assert.throws(() => parseImage(manifest(content)), { message: why }));
  }
});
