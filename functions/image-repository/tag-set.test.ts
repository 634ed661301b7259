import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { inStoredOrder, latestTags, revisionOf } from './tag-set.ts';

describe('stored order and revision (5.5)', () => {
  it('orders by bytes, descending', () => {
    const tags = ['1.0.0', '10.0.0', '9.0.0', 'Z', 'latest', 'v1.0.0'];
    assert.deepEqual(inStoredOrder(tags), ['v1.0.0', 'latest', 'Z', '9.0.0', '10.0.0', '1.0.0']);
  });

  it('drops duplicates', () => {
    assert.deepEqual(inStoredOrder(['b', 'a', 'b', 'a', 'c', 'c']), ['c', 'b', 'a']);
  });

  const rows: [tags: string[], stored: string[], revision: string][] = [
    [
      ['latest', 'v0.0.1', 'v0.0.2'],
      ['v0.0.2', 'v0.0.1', 'latest'],
      'sha256:6c47cd0061dcca36c1e3f6412637a393dffa2664955aed4b10671aff73555070',
    ],
    [[], [], 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
  ];
  for (const [tags, stored, revision] of rows) {
    it(`${tags.length} tags have the revision ${revision.slice(0, 15)}…`, () => {
      assert.deepEqual(inStoredOrder([...tags]), stored);
      assert.equal(revisionOf(stored), revision);
    });
  }

  it('does not depend on the order in which a registry lists', () => {
    const tag = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,20}$/);
    fc.assert(
      fc.property(fc.uniqueArray(tag), fc.infiniteStream(fc.nat()), (tags, numbers) => {
        const shuffled = tags
          .map((value) => ({ value, at: numbers.next().value as number }))
          .sort((a, b) => a.at - b.at)
          .map(({ value }) => value);
        assert.equal(revisionOf(inStoredOrder(shuffled)), revisionOf(inStoredOrder([...tags])));
      }),
    );
  });

  it('shows the first ten tags, and nothing when there are none', () => {
    assert.equal(latestTags([]), undefined);
    assert.deepEqual(latestTags(Array.from({ length: 12 }, (_, i) => `t${i}`))?.length, 10);
    assert.deepEqual(latestTags(['b', 'a']), ['b', 'a']);
  });
});
