/** Appendix C of the specification, the combined table of appendix B, and what a policy says when it picks nothing. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compilePolicy, type PolicyChoice } from './policy.ts';
import { parseConstraint } from './semver-grammar.ts';
import { OF_OCI_REPOSITORY, selectVersion } from './semver-selection.ts';
import type { FilterTags } from './tag-filter.ts';

const EMPTY = /^version list argument cannot be empty \(/;
const UNDETERMINED = /^unable to determine latest version from provided list \(/;

type Row = [
  rule: string,
  tags: string[],
  chosen: string | RegExp,
  filter?: [pattern: string, extract: string],
];

/** `semver RANGE`, or the name of another rule and its order. */
function choiceOf(rule: string): PolicyChoice {
  const [name, ...rest] = rule.split(' ');
  if (name === 'semver') return { semver: { range: rest.join(' ') } };
  const order = rest.length === 0 ? {} : { order: rest[0]! };
  return name === 'numerical' ? { numerical: order } : { alphabetical: order };
}

/** What the policy picks out of the tags, in the order given and in the reverse one. */
async function picks([rule, tags, , filter]: Row): Promise<string> {
  const filterTags: FilterTags | undefined = filter && { pattern: filter[0], extract: filter[1] };
  const policy = await compilePolicy(choiceOf(rule), filterTags);
  const [chosen, reversed] = await Promise.allSettled([
    policy.latest(tags),
    policy.latest(tags.toReversed()),
  ]);
  assert.deepEqual(reversed, chosen, 'the order of the tags does not matter');
  if (chosen.status === 'fulfilled') return chosen.value.tag;
  assert.equal(chosen.reason.code, 'failure');
  return chosen.reason.message;
}

function checkRows(title: string, rows: Row[]): void {
  describe(title, () => {
    for (const row of rows) {
      const [rule, tags, expected, filter] = row;
      const name = `${rule}${filter ? ` of '${filter.join("' as '")}'` : ''}: ${tags.join(', ') || 'none'}`;
      it(`${name} → ${expected}`, async () => {
        const picked = await picks(row);
        if (typeof expected === 'string') assert.equal(picked, expected);
        else assert.match(picked, expected);
      });
    }
  });
}

const variants = ['1.4.0', '1.4.0-alpine', '1.5.0-alpine'];

checkRows('semver (C.1)', [
  ['semver *', ['v1.0.0', '1.0.0'], 'v1.0.0'],
  ['semver *', ['1.00.0', '1.0.0'], '1.00.0'],
  ['semver *', ['01.02.03', '1.2.3'], '1.2.3'],
  ['semver ^1.0.0', ['1.2.0', 'v1.2.0', '1.1.9'], 'v1.2.0'],
  ['semver >=1.0.0-0', ['1.0.0-rc9', '1.0.0-rc10'], '1.0.0-rc9'],
  ['semver >=1.0.0-0', ['1.0.0-rc.9', '1.0.0-rc.10'], '1.0.0-rc.10'],
  ['semver >=0-0', ['1.0.0-alpha', '1.0.0-1', '1.0.0-beta', '1.0.0'], '1.0.0'],
  ['semver >=0-0', ['1.0.0-A', '1.0.0-a', '1.0.0-Z'], '1.0.0-a'],
  ['semver ^1.x-0', ['1.4.0-rc.1', '1.3.0', '1.4.0-alpha'], '1.4.0-rc.1'],
  ['semver >=0.0.0', ['1.0.0', '2.0.0-rc.1', 'latest', '2.0', '1.9.9'], '1.9.9'],
  ['semver 1.x', variants, '1.4.0'],
  ['semver 1.x-0', variants, '1.5.0-alpine'],
  ['semver ~1.26', ['1.26.0', '1.26.3-debian', '1.26', '1.27.0'], '1.26.0'],
  ['semver >=1.0.0', ['1.0', '1', 'latest'], UNDETERMINED],
  ['semver ^2024.1', ['2024.01.05', '2024.1.4', '2024.02.10', '2025.01.01'], '2024.02.10'],
  ['semver <2.0.0-0', ['1.9.9', '2.0.0-alpha', '1.9.9-rc.1'], '1.9.9'],
  ['semver *', ['1-rc.1.2', '0.9.0'], '0.9.0'],
  ['semver *-0', ['1-rc.1.2', '0.9.0'], '1-rc.1.2'],
  ['semver ^1.0.0-0', ['1.3.0-dev.20240101', '1.3.0-dev.20240102', '1.2.9'], '1.3.0-dev.20240102'],
  ['semver *', ['9007199254740993.0.0', '9007199254740992.0.0'], '9007199254740993.0.0'],
  ['semver >=1.0.0-0', ['1.0.0-9007199254740993', '1.0.0-9007199254740992'], '1.0.0-9007199254740993'],
  [
    'semver >=1.0.0-0',
    ['1.0.0-18446744073709551616', '1.0.0-2', '1.0.0-18446744073709551615'],
    '1.0.0-18446744073709551616',
  ],
  ['semver *', [], EMPTY],
]);

const dates = ['RELEASE.2024-05', 'RELEASE.2024-11', 'RELEASE.2023-12'];

checkRows('alphabetical (C.2)', [
  ['alphabetical asc', ['9', '10', '100'], '9'],
  ['alphabetical desc', ['9', '10', '100'], '10'],
  ['alphabetical asc', ['b', 'B', '_', 'a'], 'b'],
  ['alphabetical desc', ['b', 'B', '_', 'a'], 'B'],
  ['alphabetical', dates, 'RELEASE.2024-11'],
  ['alphabetical asc', ['20240102-a', '20240102-b', '20240101-z'], '20240102-b'],
  ['alphabetical asc', ['v2', 'v10'], 'v2'],
  ['alphabetical asc', [], EMPTY],
]);

const notANumber = (text: string) => new RegExp(`^failed to parse invalid numeric value '${text}' \\(`);

checkRows('numerical (C.3)', [
  ['numerical asc', ['9', '10', '100'], '100'],
  ['numerical desc', ['9', '10', '100'], '9'],
  ['numerical', ['9', '10', '100'], '100'],
  ['numerical asc', ['1.0', '1', '1.00'], '1'],
  ['numerical desc', ['1.0', '1', '1.00'], '1'],
  ['numerical asc', ['007', '7'], '007'],
  ['numerical desc', ['007', '7'], '007'],
  ['numerical asc', ['1e3', '999'], '1e3'],
  ['numerical asc', ['1_000', '999'], '1_000'],
  ['numerical asc', ['1.5', '5.', '0.5'], '5.'],
  ['numerical asc', ['inf', '5'], 'inf'],
  ['numerical desc', ['-inf', '-5'], '-inf'],
  ['numerical asc', ['20240101120000121', '20240101120000122'], '20240101120000122'],
  ['numerical desc', ['20240101120000121', '20240101120000122'], '20240101120000121'],
  ['numerical asc', ['1', 'latest'], notANumber('latest')],
  ['numerical asc', ['1', 'NaN'], notANumber('NaN')],
  ['numerical asc', ['20240101T10', '5'], notANumber('20240101T10')],
  ['numerical asc', ['1.2.3', '2'], notANumber('1.2.3')],
  ['numerical asc', ['a', 'c', 'b'], notANumber('c')],
  ['numerical asc', [], EMPTY],
]);

const builds = ['main-a1b2c3-1700000001', 'main-ffee00-1700000900', 'dev-a1-1800000000'];
const buildTime: [string, string] = ['^main-[0-9a-f]+-(?P<ts>[0-9]+)$', '$ts'];

checkRows('filter and rule combined (B)', [
  ['numerical asc', builds, 'main-ffee00-1700000900', buildTime],
  ['numerical desc', builds, 'main-a1b2c3-1700000001', buildTime],
  ['semver 4.x', ['4.2-b17', '4.10-b3', 'latest'], '4.10-b3', ['^(\\d+)\\.(\\d+)-b(\\d+)$', '$1.$2.$3']],
  [
    'semver >=1.0.0',
    ['1.4.0-amd64', '1.4.0-arm64', '1.3.9-amd64'],
    '1.4.0-amd64',
    ['^(?P<x>.*)-amd64$', '$x'],
  ],
  ['semver >=1.0.0', ['1.4.0-amd64', '1.4.0-arm64'], '1.4.0-amd64', ['^(?P<x>.*)-(amd64|arm64)$', '$x']],
  ['semver *', ['v1.0.0', '1.0.0'], '1.0.0', ['^v?(?P<x>.*)$', '$x']],
  [
    'alphabetical asc',
    ['RELEASE.2024-01-02T03-04-05Z', 'RELEASE.2024-11-07T00-52-20Z'],
    'RELEASE.2024-11-07T00-52-20Z',
    ['^RELEASE\\.(?P<t>.*)Z$', '$t'],
  ],
  ['alphabetical asc', ['rel-12', 'rel-9'], 'rel-9', ['^rel-(\\d+)', '$1']],
  ['numerical', ['rel-12', 'rel-9'], notANumber(''), ['^rel-(\\d+)', '$1x']],
  ['alphabetical asc', ['rel-12', 'rel-9'], 'rel-12', ['^rel-(\\d+)', 'const']],
  ['alphabetical asc', ['latest', '1.0.0'], 'latest', ['^latest$', '']],
  ['semver *', ['1.0.0', '2.0.0'], EMPTY, ['^3', '']],
  ['semver >=2.0.0', ['1.0.0', '2.0.0'], UNDETERMINED, ['^1', '']],
]);

describe('what a policy says when it picks nothing', () => {
  it('counts the tags, and those that the filter left', async () => {
    const plain = await compilePolicy({ semver: { range: '^3' } });
    const message = 'unable to determine latest version from provided list (2 tags stored)';
    await assert.rejects(plain.latest(['1.0.0', '2.0.0']), { code: 'failure', message });

    const filtered = await compilePolicy({ semver: { range: '^3' } }, { pattern: '^x' });
    await assert.rejects(filtered.latest(['1.0.0', '2.0.0']), {
      code: 'failure',
      message: 'version list argument cannot be empty (2 tags stored, 0 after filter)',
    });
  });
});

describe('the choice of a rule (8.3)', () => {
  it('semver comes before alphabetical, and that before numerical', async () => {
    const tags = ['1.0.0', '9', '10'];
    const [semver, alphabetical, numerical] = [{ range: '*' }, { order: 'asc' }, { order: 'asc' }];
    const all = await compilePolicy({ semver, alphabetical, numerical });
    assert.equal((await all.latest(tags)).tag, '1.0.0');
    const two = await compilePolicy({ alphabetical, numerical });
    assert.equal((await two.latest(tags)).tag, '9');
  });

  const invalid: [choice: PolicyChoice, message: string][] = [
    [{}, 'invalid policy: given ImagePolicyChoice object is invalid'],
    [{ semver: { range: 'latest' } }, 'invalid policy: improper constraint: "latest"'],
    [
      { numerical: { order: 'up' } },
      "invalid policy: invalid order argument provided: 'up', must be one of: asc, desc",
    ],
    [
      { alphabetical: { order: 'ASC' } },
      "invalid policy: invalid order argument provided: 'ASC', must be one of: asc, desc",
    ],
  ];
  for (const [choice, message] of invalid) {
    it(`${JSON.stringify(choice)}: ${message}`, async () => {
      await assert.rejects(compilePolicy(choice), { name: 'PolicyError', code: 'invalid', message });
    });
  }

  it('an empty order is ascending', async () => {
    const policy = await compilePolicy({ numerical: { order: '' } });
    assert.equal((await policy.latest(['1', '2'])).tag, '2');
  });
});

describe('explain', () => {
  it('tells of every tag once, in order of preference', async () => {
    const policy = await compilePolicy({ semver: { range: '1.x' } }, { pattern: '^v?(.*)$', extract: '$1' });
    const tags = ['v1.2.0', '1.2.0', '1.10.0', '2.0.0', '1.11.0-rc.1', 'latest', '1.2.0', 'nightly'];
    assert.deepEqual(
      (await policy.explain(tags)).map(({ tag, why }) => [tag, why]),
      [
        ['1.10.0', 'chosen'],
        ['1.2.0', '1.10.0 is preferred'],
        ['2.0.0', 'outside of the range'],
        ['1.11.0-rc.1', 'a prerelease, and the range takes none'],
        ['nightly', 'not a version'],
        ['latest', 'not a version'],
        ['v1.2.0', '1.2.0 has the same value and comes first'],
      ],
    );
  });

  it('shows the value, and what the filter left out last', async () => {
    const policy = await compilePolicy({ numerical: {} }, { pattern: '^b(\\d+)$', extract: '$1' });
    assert.deepEqual(await policy.explain(['x', 'b7', 'b12']), [
      { tag: 'b12', value: '12', candidate: true, matches: true, why: 'chosen' },
      { tag: 'b7', value: '7', candidate: true, matches: true, why: 'b12 is preferred' },
      { tag: 'x', value: null, candidate: false, matches: false, why: 'the filter pattern does not match' },
    ]);
  });

  it('names what spoils a numerical policy', async () => {
    const policy = await compilePolicy({ numerical: {} });
    assert.deepEqual(
      (await policy.explain(['7', 'latest'])).map(({ tag, matches, why }) => [tag, matches, why]),
      [
        ['7', true, 'no tag is chosen, because of a candidate that is not a number'],
        ['latest', false, 'not a number'],
      ],
    );
  });
});

describe('selection for an OCIRepository (OCI 8.4.2)', () => {
  const tags = [
    ...[
      'latest',
      'main-abc123',
      '1.0',
      'v1.2',
      '1.0.0',
      '1.1.0',
      '1.1.1',
      'v1.2.0',
      '1.2.1-rc.1',
      '1.2.1-beta.2',
    ],
    ...['2.0.0-alpha.1', '2.0.0', '2.1.0', '02.1.1', '3.0.0-rc.1', 'sha256-abc.sig', '10.0.0'],
  ];
  const rows: [range: string, selected: string | undefined][] = [
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
    ['^0.0.0', undefined],
    ['<= 0.9.0', undefined],
  ];
  for (const [range, selected] of rows) {
    it(`${range} → ${selected}`, () => {
      assert.equal(selectVersion(tags, parseConstraint(range), OF_OCI_REPOSITORY), selected);
    });
  }

  it('leaves out what only an ImagePolicy takes for a version', () => {
    const range = parseConstraint('*-0');
    assert.equal(selectVersion(['1-rc.1.2', '0.9.0'], range, OF_OCI_REPOSITORY), '0.9.0');
    assert.equal(selectVersion(['1-rc.1.2', '0.9.0'], range), '1-rc.1.2');
  });
});
