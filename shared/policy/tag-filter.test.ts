/** Appendix B of the specification. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are templates of Go
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compilePolicy } from './policy.ts';
import { PolicyError } from './policy-error.ts';

type Candidate = [value: string, tag: string];
type Row = [
  pattern: string,
  extract: string,
  tags: string[],
  candidates: Candidate[] | 'invalid',
  note?: string,
];

const ROWS: Row[] = [
  [
    '^main-[0-9a-f]+-(?P<ts>[0-9]+)$',
    '$ts',
    ['main-a1b2c3-1700000001', 'main-ffee00-1700000900', 'dev-a1b2c3-1800000000', 'main-a1b2c3'],
    [
      ['1700000900', 'main-ffee00-1700000900'],
      ['1700000001', 'main-a1b2c3-1700000001'],
    ],
    'named group; two tags drop out',
  ],
  [
    '^main-[0-9a-f]+-(?P<ts>[0-9]+)$',
    '${ts}',
    ['main-a1b2c3-1700000001'],
    [['1700000001', 'main-a1b2c3-1700000001']],
    'brace form',
  ],
  [
    '^(\\d+)\\.(\\d+)-b(\\d+)$',
    '$1.$2.$3',
    ['4.2-b17', '4.10-b3'],
    [
      ['4.2.17', '4.2-b17'],
      ['4.10.3', '4.10-b3'],
    ],
    'build a semver out of groups',
  ],
  ['^rel-(\\d+)', '$1x', ['rel-12'], [['', 'rel-12']], 'reads the group *named* 1x, which does not exist'],
  ['^rel-(\\d+)', '${1}x', ['rel-12'], [['12x', 'rel-12']], 'braces end the name'],
  ['^rel-(\\d+)', '$10', ['rel-12'], [['', 'rel-12']], 'group 10, not group 1 followed by 0'],
  ['^(\\d+)', '$01', ['7'], [['', '7']], 'a number with a leading zero is taken as a (missing) name'],
  [
    '^rel-(\\d+)',
    '$2',
    ['rel-12', 'rel-13'],
    [['', 'rel-12']],
    'missing group: both collapse on the empty string',
  ],
  ['^rel-(\\d+)', '$0', ['rel-12-x'], [['rel-12', 'rel-12-x']], 'whole *match*, not whole tag'],
  ['^rel-(\\d+)', '$$1', ['rel-12'], [['$1', 'rel-12']], 'escaped dollar'],
  ['^rel-(\\d+)', 'v$-$1', ['rel-12'], [['v$-12', 'rel-12']], '$ before a non-name stays'],
  ['^rel-(\\d+)', '${1', ['rel-12'], [['${1', 'rel-12']], 'unterminated brace stays'],
  [
    '^rel-(\\d+)',
    'const',
    ['rel-12', 'rel-13'],
    [['const', 'rel-12']],
    'constant template: all tags collapse on one value',
  ],
  ['^rel-(\\d+)', '$&-$1', ['rel-12'], [['$&-12', 'rel-12']], 'JavaScript-only form is literal'],
  ['^rel-(\\d+)', '$<n>', ['rel-12'], [['$<n>', 'rel-12']], 'same'],
  [
    '^rel-(?P<n>\\d+)(?P<s>-rc)?$',
    '$n$s',
    ['rel-12', 'rel-13-rc'],
    [
      ['13-rc', 'rel-13-rc'],
      ['12', 'rel-12'],
    ],
    'group that took no part is empty',
  ],
  ['^(?P<a>x)(?P<n>\\d+)$', '$a_$n', ['x9'], [['9', 'x9']], 'greedy name a_'],
  ['^(?P<a>x)(?P<n>\\d+)$', '${a}_${n}', ['x9'], [['x_9', 'x9']]],
  [
    '(?P<v>\\d+\\.\\d+\\.\\d+)',
    '$v',
    ['app-1.2.3-amd64', 'app-1.2.3-arm64', 'app-1.2.4-arm64'],
    [
      ['1.2.4', 'app-1.2.4-arm64'],
      ['1.2.3', 'app-1.2.3-amd64'],
    ],
    'unanchored; collision: smallest original kept',
  ],
  [
    '^(?P<x>.*)-(amd64|arm64)$',
    '$x',
    ['1.4.0-amd64', '1.4.0-arm64', '1.3.9-amd64'],
    [
      ['1.4.0', '1.4.0-amd64'],
      ['1.3.9', '1.3.9-amd64'],
    ],
    'same',
  ],
  ['^v?(?P<x>.*)$', '$x', ['v1.0.0', '1.0.0'], [['1.0.0', '1.0.0']], 'same'],
  [
    '\\d+',
    '',
    ['build7', 'beta', '9'],
    [
      ['build7', 'build7'],
      ['9', '9'],
    ],
    'no template: tag unchanged',
  ],
  [
    '',
    '',
    ['a', 'b'],
    [
      ['b', 'b'],
      ['a', 'a'],
    ],
    'empty pattern matches everything',
  ],
  ['', '$0', ['a', 'b'], [['', 'a']], 'whole match is empty'],
  [
    '^\\QRELEASE.\\E(?P<timestamp>.*)Z$',
    '$timestamp',
    ['RELEASE.2024-01-02T03-04-05Z', 'RELEASEX2024-01-02T03-04-05Z'],
    [['2024-01-02T03-04-05', 'RELEASE.2024-01-02T03-04-05Z']],
    'literal quoting',
  ],
  [
    '(?i)^REL-',
    '',
    ['rel-1', 'REL-2', 'x'],
    [
      ['rel-1', 'rel-1'],
      ['REL-2', 'REL-2'],
    ],
    'inline flag',
  ],
  ['^[[:digit:]]+$', '', ['12', '1a'], [['12', '12']], 'POSIX class'],
  ['^\\d{4}\\.\\d{2}\\z', '', ['2024.01', '2024.01.1'], [['2024.01', '2024.01']], '\\z'],
  ['(a|ab)(c|bcd)', '$1/$2', ['abcd'], [['a/bcd', 'abcd']], 'leftmost-first alternation'],
  ['^(?!dev).*$', '', ['a'], 'invalid', 'look-ahead'],
  ['^(a)\\1$', '', ['aa'], 'invalid', 'back-reference'],
  ['[0-9]{1001}', '', ['7'], 'invalid', 'repeat count above 1000'],
  ['a++', '', ['a'], 'invalid', 'possessive'],
  ['(?>a)', '', ['a'], 'invalid', 'atomic group'],
  ['\\u0061', '', ['a'], 'invalid', '\\u escape (use \\x{61})'],
  ['[a-\\d]', '', ['a-1'], 'invalid', 'class as range end'],
  ['(?P<n>a)(?P<n>b)', '$n', ['ab'], 'invalid', 'two groups of one name'],
  ['(?<n>a)', '$n', ['ba'], [['a', 'ba']], 'the other way to name a group'],
  ['^rel-(\\d+)', '$', ['rel-1'], [['$', 'rel-1']], 'a dollar at the end'],
  ['^rel-(\\d+)', '${}$1', ['rel-1'], [['${}1', 'rel-1']], 'braces without a name'],
  ['^rel-(\\d+)', '$99999999999999999999', ['rel-1'], [['', 'rel-1']], 'a number that no group has'],
  [
    '^rel-(\\d+)',
    '$constructor$__proto__',
    ['rel-1'],
    [['', 'rel-1']],
    'names that objects of JavaScript have',
  ],
];

for (const [pattern, extract, tags, candidates, note] of ROWS) {
  it(`'${pattern}' and '${extract}' on ${tags.join(', ')}${note ? `: ${note}` : ''}`, async () => {
    const compiled = compilePolicy({ alphabetical: {} }, { pattern, extract });
    if (candidates === 'invalid') return assert.rejects(compiled, isInvalid(pattern));
    const verdicts = await (await compiled).explain(tags);
    const found = verdicts.filter(({ candidate }) => candidate).map(({ value, tag }) => [value, tag]);
    assert.deepEqual(found, candidates);
  });
}

describe('50,000 tags take no second (IR-RUN-6)', () => {
  const filter = { pattern: '^main-[0-9a-f]+-(?P<ts>[0-9]+)$', extract: '$ts' };
  for (const rule of [{ numerical: {} }, { alphabetical: {} }, { semver: { range: '*' } }]) {
    it(`${Object.keys(rule)} behind a filter`, async () => {
      const tags = Array.from({ length: 50_000 }, (_, index) => `main-${index.toString(16)}-${index}`);
      const policy = await compilePolicy(rule, filter);
      const before = process.cpuUsage();
      await policy.latest(tags).catch(() => undefined);
      const { user, system } = process.cpuUsage(before);
      // Microseconds; twice the time, because other tests run beside this one.
      assert.ok(user + system < 2_000_000, `${user + system} µs`);
    });
  }
});

describe('no pattern takes more than linear time', () => {
  it('not even one that makes other engines explode', async () => {
    const tags = Array.from({ length: 10_000 }, (_, index) => `${'a'.repeat(122)}${index}!`);
    const policy = await compilePolicy({ alphabetical: {} }, { pattern: '^(a+)+$' });
    await assert.rejects(policy.latest(tags), /version list argument cannot be empty/);
  });

  it('a pattern whose program is too large is refused', async () => {
    const pattern = '(x*){999}'.repeat(20);
    await assert.rejects(compilePolicy({ alphabetical: {} }, { pattern }), /': the pattern is too large$/);
  });

  it('a long list ends with its signal', async () => {
    const policy = await compilePolicy({ alphabetical: {} }, { pattern: '^((a|b)+c?)+$', extract: '$1' });
    const tags = Array.from({ length: 50_000 }, (_, index) => `${'ab'.repeat(50)}${index}`);
    const signal = AbortSignal.abort(new Error('deadline'));
    await assert.rejects(policy.latest(tags, signal), /deadline/);
  });
});

function isInvalid(pattern: string): (error: unknown) => boolean {
  const start = `failed to filter tags: invalid regular expression pattern '${pattern}': `;
  return (error) =>
    error instanceof PolicyError && error.code === 'invalid' && error.message.startsWith(start);
}
