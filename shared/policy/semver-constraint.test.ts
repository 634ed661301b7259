/** Appendix A of the specification. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PolicyError } from './policy-error.ts';
import { satisfies } from './semver-constraint.ts';
import { parseConstraint } from './semver-grammar.ts';
import { isFullVersion, isTagVersion, parseVersion, type Version } from './semver-version.ts';

type Row = [range: string, tag: string, expected: 'match' | 'no' | 'invalid', note?: string];

const ROWS: Row[] = [
  ['=7.3.1', '7.3.1', 'match'],
  ['=7.3.1', 'v7.3.1', 'match', "the tag's v does not matter"],
  ['v7.3.1', '7.3.1', 'match', "the constraint's v does not matter"],
  ['=7.3', '7.3.9', 'match', 'partial = acts as tilde'],
  ['=7.3', '7.4.0', 'no'],
  ['7', '7.9.2', 'match', 'no operator = ='],
  ['7', '8.0.0', 'no'],
  ['!=7.3.1', '7.3.2', 'match'],
  ['!=7.3', '7.3.8', 'no', 'partial != excludes the whole minor'],
  ['!=7.3', '7.4.0', 'match'],
  ['!=7', '7.1.0', 'no', 'whole major excluded'],
  ['!=7', '6.9.9', 'match'],
  ['!=7.3.1', '8.0.0-rc.1', 'no', 'gate: no prerelease named in the group'],
  ['!=7.3.1-0', '8.0.0-rc.1', 'match', 'gate open'],
  ['>7.3', '7.3.9', 'no', 'partial > means above the whole minor'],
  ['>7.3', '7.4.0', 'match'],
  ['>7', '7.9.9', 'no'],
  ['>7', '8.0.0', 'match'],
  ['>=7.3', '7.3.0', 'match'],
  ['=>7.3', '7.3.0', 'match', 'alias of >='],
  ['<7.3', '7.2.99', 'match'],
  ['<7.3', '7.3.0', 'no', 'missing patch counts as 0'],
  ['<=7.3', '7.3.44', 'match', 'partial <= includes the whole minor'],
  ['<=7.3', '7.4.0', 'no'],
  ['<=7', '7.99.0', 'match'],
  ['=<7', '8.0.0', 'no', 'alias of <='],
  ['~7.3.1', '7.3.9', 'match'],
  ['~7.3.1', '7.3.0', 'no', 'lower bound still applies'],
  ['~7', '7.8.0', 'match', 'only a major given: major is fixed'],
  ['~>7.3', '7.3.5', 'match', 'alias of ~'],
  ['~0', '0.5.0', 'match'],
  ['~0.0', '0.1.0', 'no'],
  ['~0.0.0', '9.9.9', 'match', 'quirk Q1'],
  ['~0.0.1', '0.1.0', 'no', 'no quirk when any number is non-zero'],
  ['^7.3.1', '7.9.0', 'match'],
  ['^7.3.1', '8.0.0', 'no'],
  ['^7.3.1', '7.3.0', 'no'],
  ['^0.4.2', '0.4.9', 'match', 'zero major: minor is fixed'],
  ['^0.4.2', '0.5.0', 'no'],
  ['^0.0.6', '0.0.6', 'match'],
  ['^0.0.6', '0.0.7', 'no', 'zero minor: patch is fixed'],
  ['^0.0', '0.0.7', 'match', 'no patch written: patch is free'],
  ['^0', '0.8.0', 'match', 'no minor written: minor is free'],
  ['^0', '1.0.0', 'no'],
  ['*', '3.1.4', 'match'],
  ['*', '3.1.4-beta.1', 'no', 'gate'],
  ['*-0', '3.1.4-beta.1', 'match', "gate opened by the wildcard's suffix"],
  ['^*', '3.1.4', 'no', 'quirk Q2'],
  ['^*', '0.0.0', 'match'],
  ['<=*', '0.0.9', 'match', 'quirk Q2'],
  ['<=*', '1.2.3', 'no', 'quirk Q2'],
  ['!=*', '1.2.3', 'match', 'quirk Q2'],
  ['>*', '0.0.1', 'match'],
  ['7.x.x', '7.2.1', 'match'],
  ['7.*.3', '7.9.9', 'match', 'what follows the first wildcard is ignored'],
  ['x.3.1', '5.0.0', 'match', 'same'],
  ['7.3.1 - 8.0.0', '8.0.0', 'match', 'both ends inclusive'],
  ['7.3.1 - 8.0.0', '8.0.1', 'no'],
  ['7.3 - 8', '8.5.0', 'match', 'partial upper end: whole major'],
  ['7.3 - 8', '9.0.0', 'no'],
  ['7.3.1-8.0.0', '7.5.0', 'no', 'no spaces: it is version 7.3.1 with prerelease 8.0.0'],
  ['7.3-8', '7.3.2', 'match', 'tilde on 7.3 with prerelease 8'],
  ['7.3.0 - 7.5.0, !=7.4.0', '7.4.1', 'match', 'range combined with AND'],
  ['7.3.0 - 7.5.0 !=7.4.0', '7.4.0', 'no'],
  ['>=7.0.0 <8.0.0', '7.5.0', 'match', 'space = AND'],
  ['>=7.0.0,<8.0.0', '7.5.0', 'match', 'comma = AND'],
  ['7 8', '8.0.0', 'no', 'AND of two exclusive majors'],
  ['<3 || >=7', '5.0.0', 'no'],
  ['<3||>=7', '2.0.0', 'match'],
  ['^3 || ^7', '3.9.0', 'match'],
  ['>=7.0.0', '7.1.0-alpha', 'no', 'gate'],
  ['>=7.0.0-0', '7.0.0-alpha', 'match', '-0 is the lowest prerelease'],
  ['>=7.0.0-0', '8.2.0-alpha.3', 'match', 'prereleases of *other* versions pass too'],
  ['>=7.0.0-0 <8.0.0', '8.0.0-rc.1', 'match', 'rc is below 8.0.0; gate is per AND group'],
  ['>=7.0.0-0 <8.0.0-0', '8.0.0-rc.1', 'no', 'the way to exclude next-major prereleases'],
  ['^7.0.0-0', '7.4.0-rc.1', 'match'],
  ['^7.0.0-0', '8.0.0-rc.1', 'no', 'caret fixes the major'],
  ['^7-0', '7.2.0-rc.1', 'match', 'partial with suffix is legal'],
  ['~7.3.0-rc.2', '7.3.0-rc.1', 'no'],
  ['~7.3.0-rc.2', '7.3.4-alpha', 'match'],
  ['7.3.x-0', '7.3.9-dev', 'match'],
  ['>7.3.0-rc.9', '7.3.0-rc.10', 'match', 'numeric identifiers compare as numbers'],
  ['>7.3-rc.1', '7.4.0-rc.1', 'match'],
  ['>7.3-rc.1', '7.3.0-rc.2', 'no', 'partial > excludes the whole minor, also with a suffix'],
  ['<7.3.0-0', '7.2.9-rc.1', 'match'],
  ['7.3.0-rc.1 - 7.5.0', '7.5.0-beta', 'match'],
  ['^7.0.0 || ^8.0.0-0', '7.5.0-rc.1', 'no', 'the other OR branch does not open the gate'],
  ['^7.0.0 || ^8.0.0-0', '8.5.0-rc.1', 'match'],
  ['>=7.0.0, >=7.0.0-0', '7.9.0-rc.1', 'match', 'one comparator opens the gate for its group'],
  ['=7.3.1', '7.3.1+build5', 'match', 'metadata ignored'],
  ['2024.01.05', '2024.1.5', 'match', 'leading zeros are dropped'],
  ['>=2024.01.x', '2024.02.10', 'match'],
  ['18446744073709551615', '18446744073709551615.0.0', 'match', '64-bit unsigned'],
  ['7\t<8', '7.1.0', 'match', 'tab as separator'],
  ['  >=7.0.0  ', '7.1.0', 'match'],
  ['', '1.2.3', 'invalid', 'error'],
  ['latest', '1.2.3', 'invalid', 'error'],
  ['7.3.1.2', '7.3.1', 'invalid', 'four segments'],
  ['7x', '7.3.1', 'invalid'],
  ['V7.3.1', '7.3.1', 'invalid', 'capital V'],
  ['==7.3.1', '7.3.1', 'invalid'],
  ['7.3.1,', '7.3.1', 'invalid', 'trailing comma'],
  ['7.3.1 ||', '7.3.1', 'invalid', 'empty OR branch'],
  ['7.3.1 | 8.0.0', '7.3.1', 'invalid', 'single bar'],
  ['7.3.1 && 7.3.2', '7.3.1', 'invalid'],
  ['7.3.1-rc.01', '7.3.1', 'invalid', 'leading zero in a numeric identifier'],
  ['~=7.3.1', '7.3.1', 'invalid'],
  ['>=7.0.0<8.0.0', '7.5.0', 'invalid', 'no separator'],
  ['^7.3.1 - 8', '7.5.0', 'invalid', 'operator in front of a hyphen range'],
  ['18446744073709551616', '1.0.0', 'invalid', 'does not fit 64 bits'],
];

/** What outsiders to the table ask: checked against Masterminds 3.5.0. */
const MORE_ROWS: Row[] = [
  ['!=7.4.0 7.3.0 - 7.5.0', '7.3.0', 'invalid', 'the white space before a hyphen range goes with it'],
  ['!=7.4.0, 7.3.0 - 7.5.0', '7.3.0', 'match', 'a comma stays'],
  ['1 - 2 || 4 - 5', '4.5.6', 'match'],
  ['1 - 2 - 3', '1.5.0', 'invalid', 'no range has three ends'],
  ['v1 - v2', '2.9.9', 'match'],
  ['1.0.0-a - 2.0.0-b', '2.0.0-a', 'match'],
  ['7.x.7x', '7.1.0', 'match', 'what follows a wildcard is ignored, even where it is no number'],
  ['!=*-0', '0.0.0-1', 'match'],
  ['!=7.3-0', '7.3.5-rc.1', 'match'],
  ['!=7.3-0', '7.3.5-0', 'no'],
  ['~*', '9.9.9', 'match'],
  ['>=*', '9.9.9', 'match'],
  ['^0.0', '0.1.0', 'no'],
  ['^0.0.0', '0.0.1', 'no'],
  ['>= 1.0.0 , < 2.0.0', '1.5.0', 'match', 'white space behind operators and around commas'],
  [',7.3.1', '7.3.1', 'invalid', 'leading comma'],
  ['7.3.1,,7', '7.3.1', 'invalid'],
  ['7\u00a0<8', '7.1.0', 'invalid', 'a no-break space is no white space'],
  ['7.3.1-', '7.3.1', 'invalid'],
  ['7.3.1+', '7.3.1', 'invalid'],
  ['7.3.1+build.01', '7.3.1', 'match', 'metadata may have leading zeros'],
];

for (const [range, tag, expected, note] of [...ROWS, ...MORE_ROWS]) {
  it(`${JSON.stringify(range)} and ${tag}: ${expected}${note ? ` (${note})` : ''}`, () => {
    if (expected === 'invalid') {
      assert.throws(() => parseConstraint(range), isInvalid);
      return;
    }
    const version = parseVersion(tag);
    assert.ok(version, `${tag} is a version`);
    assert.equal(satisfies(version, parseConstraint(range)), expected === 'match');
  });
}

describe('the two errors of a range (IR-CON-1)', () => {
  const rows: [range: string, message: string][] = [
    ['', 'improper constraint: ""'],
    ['7.3.1 || latest', 'improper constraint: " latest"'],
    ['1 - 2 latest', 'improper constraint: ">= 1, <= 2 latest"'],
    ['7x, latest', 'improper constraint: "7x, latest"'],
    ['>=7.0.0 7x', 'constraint parser error: "7x"'],
    ['7.3.1 | 8.0.0', 'constraint parser error: "|"'],
    ['18446744073709551616', 'constraint parser error: "18446744073709551616"'],
    ['7.3.1-rc.01', 'constraint parser error: "7.3.1-rc.01"'],
  ];
  for (const [range, message] of rows) {
    it(`${range}: ${message}`, () => {
      assert.throws(() => parseConstraint(range), { name: 'PolicyError', code: 'invalid', message });
    });
  }

  it('quotes no more of a long range than a message can bear', () => {
    assert.throws(
      () => parseConstraint('latest '.repeat(10_000)),
      (error: Error) => error.message.length < 400,
    );
  });
});

describe('tags as versions', () => {
  const versions: [tag: string, version: string][] = [
    ['1.2.3', '1.2.3'],
    ['v1.2.3', '1.2.3'],
    ['01.02.03', '1.2.3'],
    ['2025.02.03', '2025.2.3'],
    ['1-rc.1.2', '1.0.0-rc.1.2'],
    ['1.2-rc.1', '1.2.0-rc.1'],
    ['v1.2-alpha.1', '1.2.0-alpha.1'],
    ['1-a.b.c', '1.0.0-a.b.c'],
    ['1.2.3-0a', '1.2.3-0a'],
    ['1.2.3--x', '1.2.3--x'],
    ['1.4.0-amd64', '1.4.0-amd64'],
    ['1.0.0-63-gc1cfb6864', '1.0.0-63-gc1cfb6864'],
    ['9007199254740993.0.0', '9007199254740993.0.0'],
    ['18446744073709551615.0.0', '18446744073709551615.0.0'],
    ['000000000000000000000000000001.2.3', '1.2.3'],
    ['1.2.3-rc.1+build.007', '1.2.3-rc.1'],
    ['1+a.b.c', '1.0.0'],
  ];
  for (const [tag, version] of versions) {
    it(`${tag} is ${version}`, () => assert.equal(shown(readTag(tag)), version));
  }

  const others = [
    ...['1.2', 'v1', 'V1.2.3', '1.2.3.4', '1.2.3-rc.01', '1.2.3-01', '1.2.3-', '1.2.3-rc..1', '1.2.3-rc_1'],
    ...['1.2.3_rc1', '1.2.3alpha', '1.2.x', '=1.2.3', 'vv1.2.3', '18446744073709551616.0.0', '..', '1.2.'],
    ...[
      '1..2.3',
      '',
      ' 1.2.3',
      '1.2.3 ',
      'v.1.2',
      '.1.2.3',
      '1.2.3+',
      '1.2.3+a..b',
      '1.2.3-a+',
      '1.2-rc',
      'latest',
    ],
    ...['20240101', '1.2.3-rc.1.', '１.2.3', '1.2.３'],
  ];
  for (const tag of others) it(`'${tag}' is skipped`, () => assert.equal(readTag(tag), undefined));
});

describe('versions of an OCIRepository: all three numbers are written (OCI 8.4.1)', () => {
  for (const tag of ['1.2.3', 'v1.2.3', '01.2.3', '2025.02.03-rc.1', '1.2.3+x', '1.2.3-rc.1.2.3']) {
    it(`${tag} is one`, () => assert.ok(isFullVersion(parseVersion(tag)!)));
  }
  for (const tag of ['1-rc.1.2', '1.2-rc.1', 'v1.2']) {
    it(`${tag} is none`, () => assert.equal(isFullVersion(parseVersion(tag)!), false));
  }
  for (const tag of ['V1.2.3', '1.2.3.4', '1.2.3-01', '1.2.3-rc_1', '1.2.3_build', 'sha256-ab….sig']) {
    it(`${tag} is none at all`, () => assert.equal(parseVersion(tag), undefined));
  }
});

function readTag(tag: string): Version | undefined {
  const version = parseVersion(tag);
  return version && isTagVersion(version, tag) ? version : undefined;
}

function shown(version: Version | undefined): string {
  assert.ok(version, 'it is a version');
  const { major, minor, patch, prerelease } = version;
  return `${major}.${minor}.${patch}${prerelease === '' ? '' : `-${prerelease}`}`;
}

function isInvalid(error: unknown): boolean {
  return error instanceof PolicyError && error.code === 'invalid';
}
