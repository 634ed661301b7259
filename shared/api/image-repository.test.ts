import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DEMO } from './demo-kind.ts';
import {
  DEFAULT_EXCLUSION_LIST,
  exclusionListOf,
  type ImageRepositorySpec,
  providerOf,
  timeoutOf,
} from './image-repository.ts';
import { IMAGE_REPOSITORY_KIND } from './image-repository-schema.ts';
import { findKind, findKindByPlural, KINDS } from './kinds.ts';

const spec = (fields: Partial<ImageRepositorySpec>): ImageRepositorySpec => ({
  image: 'alpine',
  interval: '5m',
  ...fields,
});

describe('what is in effect (IR-API-5)', () => {
  for (const [fields, ms] of [
    [{}, 300_000],
    [{ timeout: '90s' }, 90_000],
    [{ timeout: '1.5m' }, 90_000],
    [{ timeout: '250ms' }, 1000],
    [{ timeout: '0s' }, 1000],
    [{ interval: '0s' }, 1000],
    [{ interval: '1h30m' }, 5_400_000],
    // Foreign CRDs have no pattern.
    [{ timeout: '1h' }, 3_600_000],
  ] as const) {
    test(`timeout of ${JSON.stringify(fields)}`, () => assert.equal(timeoutOf(spec(fields)), ms));
  }

  test('an unusable timeout is an error that names the text', () => {
    assert.throws(() => timeoutOf(spec({ timeout: 'soon' })), /'soon'/);
  });

  test('exclusion list: the default for none and for an empty one', () => {
    assert.deepEqual(exclusionListOf(spec({})), DEFAULT_EXCLUSION_LIST);
    assert.deepEqual(exclusionListOf(spec({ exclusionList: [] })), DEFAULT_EXCLUSION_LIST);
    assert.deepEqual(exclusionListOf(spec({ exclusionList: ['^$'] })), ['^$']);
  });

  test('provider: generic for none and for an empty one', () => {
    assert.equal(providerOf(spec({})), 'generic');
    assert.equal(providerOf({ ...spec({}), provider: '' } as unknown as ImageRepositorySpec), 'generic');
    assert.equal(providerOf(spec({ provider: 'aws' })), 'aws');
  });
});

describe('the kinds that are served', () => {
  test('are found by group and name together', () => {
    assert.equal(findKind('image.toolkit.fluxcd.io', 'ImageRepository'), IMAGE_REPOSITORY_KIND);
    assert.equal(findKindByPlural('image.toolkit.fluxcd.io', 'imagerepositories'), IMAGE_REPOSITORY_KIND);
    assert.equal(DEMO.kind, IMAGE_REPOSITORY_KIND.kind);
    assert.equal(findKind(DEMO.group, DEMO.kind), undefined);
    assert.equal(findKind('', 'ImageRepository'), undefined);
  });

  test('no two share group and name, or group and plural', () => {
    const unique = (keys: string[]) => assert.equal(new Set(keys).size, keys.length);
    unique(KINDS.map(({ group, kind }) => `${group}/${kind}`));
    unique(KINDS.map(({ group, plural }) => `${group}/${plural}`));
  });

  test('versions are named newest first; the newest is stored', () => {
    assert.deepEqual(IMAGE_REPOSITORY_KIND.versions, ['v1', 'v1beta2', 'v1beta1']);
    assert.equal(IMAGE_REPOSITORY_KIND.storageVersion, 'v1');
  });
});
