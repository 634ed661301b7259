import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkKey, withKeyPrefix } from './object-key.ts';
import type { ObjectStore } from './object-store.ts';

test('takes keys as we make them', () => {
  for (const key of [
    'c1/tags/apps/app-1',
    'default/artifacts/ocirepository/ns/name/0a1b.tar.gz',
    'a..b/...',
    'x'.repeat(255),
  ]) {
    assert.doesNotThrow(() => checkKey(key), key);
  }
});

test('a prefix that is no key is refused before anything is stored', () => {
  const store = {} as ObjectStore;
  assert.equal(withKeyPrefix(store, ''), store);
  for (const prefix of ['/', 'a/', '../a', 'a//b']) {
    assert.throws(() => withKeyPrefix(store, prefix), { name: 'StorageError' }, prefix);
  }
});
