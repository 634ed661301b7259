import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RELEASE } from './release.ts';
import { releaseProblem } from './release-skew.ts';

for (const [peer, own, works] of [
  ['1.4.0', '1.4.9', true],
  ['1.3.0', '1.4.0', true],
  ['1.5.2', '1.4.0', true],
  ['1.2.0', '1.4.0', false],
  ['2.0.0', '1.9.0', false],
  ['nonsense', '1.4.0', false],
] as const) {
  test(`release ${peer} ${works ? 'works' : 'is refused'} beside ${own}`, () =>
    assert.equal(releaseProblem(peer, 'the relay', own) === undefined, works));
}

test('the message names both releases and who is to be upgraded', () => {
  assert.equal(
    releaseProblem('0.1.0', 'the relay', '0.3.0'),
    'the relay is release 0.1.0, this side 0.3.0: only one minor release apart works; upgrade the relay',
  );
});

test('our own release is a version', () => assert.equal(releaseProblem(RELEASE, 'a twin'), undefined));
