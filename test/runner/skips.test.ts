import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestEvent } from 'node:test/reporters';
import { judgeSkips, noteSkip, type Skips } from './skips.ts';

function skipsOf(...events: { type: string; skip?: string | boolean; file?: string }[]): Skips {
  const skips: Skips = { reasons: new Map(), files: new Set() };
  for (const { type, ...data } of events) noteSkip({ type, data } as TestEvent, skips);
  return skips;
}

const none = () => false;

test('only skipped tests count, by their reason, with their files', () => {
  const skips = skipsOf(
    { type: 'test:pass', file: 'a.test.ts' },
    { type: 'test:pass', file: 'a.test.ts', skip: 'needs etcd: set X' },
    { type: 'test:pass', file: 'b.test.ts', skip: 'needs etcd: set X' },
    { type: 'test:pass', file: 'b.test.ts', skip: true },
    { type: 'test:fail', file: 'c.test.ts' },
  );
  assert.deepEqual([...skips.files], ['a.test.ts', 'b.test.ts']);
  assert.deepEqual(judgeSkips(skips, none), {
    lines: ['skipped tests and suites: 3', '  2 × needs etcd: set X', '  1 × no reason given'],
    honest: true,
  });
});

const judged: [reason: string, parts: string[], honest: boolean][] = [
  ['needs etcd, kubectl: set X', ['etcd'], true],
  ['needs etcd, kubectl: set X', ['etcd', 'kubectl'], false],
  ['needs etcd: set X', ['kubectl'], true],
  ['Windows has no signals', ['etcd'], true],
];
for (const [reason, parts, honest] of judged) {
  test(`'${reason}' with ${parts.join(' and ')}: ${honest ? 'honest' : 'not honest'}`, () => {
    const verdict = judgeSkips(skipsOf({ type: 'test:pass', skip: reason }), (name) => parts.includes(name));
    assert.equal(verdict.honest, honest);
    assert.equal(verdict.lines[1]!.includes('BUT ALL OF THAT IS HERE'), !honest);
  });
}

test('nothing skipped: one line', () => {
  assert.deepEqual(judgeSkips(skipsOf(), none), { lines: ['skipped tests and suites: 0'], honest: true });
});
