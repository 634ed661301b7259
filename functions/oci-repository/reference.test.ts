import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { HELM_CHART_LAYER, type OciReference } from '../../shared/api/oci-repository.ts';
import { RegistryError } from '../../shared/oci/errors.ts';
import { parseImageName } from '../../shared/oci/image-name.ts';
import type { Manifest, Registry } from '../../shared/oci/registry.ts';
import { chooseReference, resolveReference } from './reference.ts';

const signal = new AbortController().signal;
const image = parseImageName('ghcr.io/acme/web');
const DIGEST = `sha256:${'0a'.repeat(32)}`;
const OTHER = `sha256:${'0b'.repeat(32)}`;

const listing = (text: string) =>
  ({ listTags: async () => ({ tags: text.split(' '), pages: 1 }) }) as unknown as Registry;
const choose = (ref: OciReference | undefined, tags = '', mediaType?: string) =>
  chooseReference({ ref, ...(mediaType && { layerSelector: { mediaType } }) }, listing(tags), signal);

describe('what is meant (8.1)', () => {
  for (const [ref, meant] of [
    [undefined, { tag: 'latest' }],
    [{}, { tag: 'latest' }],
    [{ tag: '', semver: '', digest: '' }, { tag: 'latest' }],
    [{ semverFilter: 'x' }, { tag: 'latest' }],
    [{ tag: 'v1' }, { tag: 'v1' }],
    [{ tag: 'v1', semver: '1.x' }, { tag: '1.2.3' }],
    [{ tag: 'v1', semver: '1.x', digest: DIGEST }, { digest: DIGEST }],
  ] as const) {
    test(JSON.stringify(ref), async () => assert.deepEqual(await choose(ref, '1.2.3 2.0.0'), meant));
  }
});

describe('ranges (8.4.2)', () => {
  const tags =
    'latest main-abc123 1.0 v1.2 1.0.0 1.1.0 1.1.1 v1.2.0 1.2.1-rc.1 1.2.1-beta.2 2.0.0-alpha.1 2.0.0 2.1.0 02.1.1 3.0.0-rc.1 sha256-abc.sig 10.0.0';
  for (const [semver, tag] of [
    ['*', '10.0.0'],
    ['>=0.0.0-0', '10.0.0'],
    ['1.x', 'v1.2.0'],
    ['1', 'v1.2.0'],
    ['^1.0.0', 'v1.2.0'],
    ['~1.1', '1.1.1'],
    ['1.1.x', '1.1.1'],
    ['1.2', 'v1.2.0'],
    ['>1.2.0', '10.0.0'],
    ['>=1.2.1-0 <2.0.0', '2.0.0-alpha.1'],
    ['>=1.2.1-0 <2.0.0-0', '1.2.1-rc.1'],
    ['~1.2.1-rc.0', '1.2.1-rc.1'],
    ['1.2.1-rc.1', '1.2.1-rc.1'],
    ['>=1.0.0,<1.2.0', '1.1.1'],
    ['1.0.0 - 1.2.0', 'v1.2.0'],
    ['<1.1.0 || >=2.0.0 <3.0.0', '02.1.1'],
    ['!=2.1.0 <2.2.0', '02.1.1'],
    ['2.1.1', '02.1.1'],
    ['3.x-0', '3.0.0-rc.1'],
  ] as const) {
    test(semver, async () => assert.deepEqual(await choose({ semver }, tags), { tag }));
  }
  for (const semver of ['^0.0.0', '<= 0.9.0']) {
    test(`${semver}: nothing`, () =>
      assert.rejects(choose({ semver }, tags), { message: `no match found for semver: ${semver}` }));
  }
  for (const semver of ['latest', 'invalid']) {
    test(`${semver}: no range`, () =>
      assert.rejects(choose({ semver }, tags), { message: new RegExp(`^semver '${semver}' parse error: `) }));
  }

  test('a filter comes first', async () => {
    const found = '6.1.4 6.1.5-beta.1 6.1.5-rc.1 6.1.5 6.1.6-rc.1 6.1.6';
    const semver = '>= 6.1.x-0';
    assert.deepEqual(await choose({ semver, semverFilter: '.*-rc.*' }, found), { tag: '6.1.6-rc.1' });
    assert.deepEqual(await choose({ semver, semverFilter: 'rc' }, found), { tag: '6.1.6-rc.1' });
    await assert.rejects(choose({ semver, semverFilter: '.*-alpha.*' }, found), /no match found for semver/);
    await assert.rejects(choose({ semver, semverFilter: '(' }, found), /^Error: invalid semverFilter '\(': /);
  });

  test('Helm writes + as _', async () => {
    const found = '6.2.0 6.2.1_ref.7';
    assert.deepEqual(await choose({ semver: '>=6.2.0' }, found, HELM_CHART_LAYER), { tag: '6.2.1_ref.7' });
    assert.deepEqual(await choose({ semver: '>=6.2.0' }, found), { tag: '6.2.0' });
  });

  test('equal versions: the greatest by bytes', async () => {
    assert.deepEqual(await choose({ semver: '1.x' }, '1.0.0 v1.0.0 01.0.0'), { tag: 'v1.0.0' });
  });
});

describe('its digest (8.5, 8.6)', () => {
  const refuse = (status: number, codes: string[] = []) => {
    throw new RegistryError(status === 404 ? 'not-found' : 'status', `status ${status}`, { status, codes });
  };
  const asked: string[] = [];
  const registryOf = (head: () => string, get: () => string = () => DIGEST) =>
    ({
      async digestOf() {
        asked.push('HEAD');
        return head();
      },
      async manifest() {
        asked.push('GET');
        return { digest: get() } as Manifest;
      },
    }) as unknown as Registry;
  const resolve = (
    reference: Parameters<typeof resolveReference>[0],
    registry = registryOf(() => OTHER),
    wantsManifest = false,
  ) => {
    asked.length = 0;
    return resolveReference(reference, { registry, image, wantsManifest }, signal);
  };

  test('a digest is known', async () => {
    assert.deepEqual(await resolve({ digest: DIGEST }), {
      digest: DIGEST,
      revision: DIGEST,
      name: `ghcr.io/acme/web@${DIGEST}`,
    });
    assert.deepEqual(asked, []);
  });

  for (const digest of ['sha256:12', DIGEST.toUpperCase(), `sha512:${'0'.repeat(128)}`, 'v1', `${DIGEST} `]) {
    test(`'${digest.slice(0, 20)}' is none: the registry is not asked`, async () => {
      await assert.rejects(resolve({ digest }), /is no digest of the form sha256:<64 hex digits>/);
      assert.deepEqual(asked, []);
    });
  }

  test('a tag, with a HEAD where the digest alone decides', async () => {
    const resolved = await resolve({ tag: 'v1' });
    assert.deepEqual(resolved, { digest: OTHER, revision: `v1@${OTHER}`, name: 'ghcr.io/acme/web:v1' });
    assert.deepEqual(asked, ['HEAD']);
  });

  test('a tag, with a GET where the manifest is needed anyway', async () => {
    const { digest, manifest } = await resolve({ tag: 'v1' }, undefined, true);
    assert.deepEqual([digest, manifest?.digest, asked], [DIGEST, DIGEST, ['GET']]);
  });

  for (const status of [400, 403, 404, 405, 500]) {
    test(`a HEAD that ends with ${status} is asked again with GET`, async () => {
      assert.equal(
        (
          await resolve(
            { tag: 'v1' },
            registryOf(() => refuse(status)),
          )
        ).digest,
        DIGEST,
      );
      assert.deepEqual(asked, ['HEAD', 'GET']);
    });
  }

  test('a HEAD with a digest of another algorithm is asked again with GET: one tag has one revision', async () => {
    const sha512 = registryOf(() => `sha512:${'0a'.repeat(64)}`);
    assert.equal((await resolve({ tag: 'v1' }, sha512)).revision, `v1@${DIGEST}`);
    assert.deepEqual(asked, ['HEAD', 'GET']);
  });

  for (const status of [401, 429]) {
    test(`not after ${status}`, async () => {
      await assert.rejects(
        resolve(
          { tag: 'v1' },
          registryOf(() => refuse(status)),
        ),
        /status/,
      );
      assert.deepEqual(asked, ['HEAD']);
    });
  }

  test('a tag that is not there', async () => {
    const nothing = registryOf(
      () => refuse(404),
      () => refuse(404, ['MANIFEST_UNKNOWN']),
    );
    await assert.rejects(resolve({ tag: '0.0.1' }, nothing), { message: `couldn't find tag "0.0.1"` });
  });

  test('a repository that is not there', async () => {
    const nothing = registryOf(
      () => refuse(404),
      () => refuse(404, ['NAME_UNKNOWN']),
    );
    await assert.rejects(resolve({ tag: '0.0.1' }, nothing), { message: 'status 404' });
  });

  for (const tag of ['a b', '-v1', 'x'.repeat(129), 'a/b', '']) {
    test(`'${tag.slice(0, 10)}' is no tag: the registry is not asked`, async () => {
      await assert.rejects(resolve({ tag }), /is no tag/);
      assert.deepEqual(asked, []);
    });
  }

  test('a digest in the tag is shown the way', async () => {
    await assert.rejects(
      resolve({ tag: `v1@${DIGEST}` }),
      new RegExp(`is no tag; move '${DIGEST}' to spec\\.ref\\.digest$`),
    );
  });
});
