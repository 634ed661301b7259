import assert from 'node:assert/strict';
import { test } from 'node:test';
import { knownTags, rememberTags } from './tag-lists.ts';

const list = (length: number) => Array.from({ length }, (_, index) => String(index));

test('a long list is known by its revision; a short one is not kept', () => {
  const tags = list(1000);
  rememberTags('long', tags);
  assert.equal(knownTags('long'), tags);
  rememberTags('short', list(999));
  assert.equal(knownTags('short'), undefined);
  rememberTags('too long', list(100_001));
  assert.equal(knownTags('too long'), undefined);
});

test('what was not asked for the longest goes first when there are too many tags', () => {
  rememberTags('a', list(40_000));
  rememberTags('b', list(40_000));
  knownTags('a');
  rememberTags('a', list(40_000));
  rememberTags('c', list(40_000));
  assert.equal(knownTags('b'), undefined);
  assert.equal(knownTags('a')?.length, 40_000);
  assert.equal(knownTags('c')?.length, 40_000);
  rememberTags('d', list(100_000));
  assert.deepEqual([knownTags('a'), knownTags('c'), knownTags('d')?.length], [undefined, undefined, 100_000]);
});
