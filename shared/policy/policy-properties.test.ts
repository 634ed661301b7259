/** What holds for every policy and every tag, listed or not. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import semver from 'semver';
import { orderByText } from './alphabetical.ts';
import { orderByNumber } from './numerical.ts';
import type { Ordering } from './ordering.ts';
import { compilePolicy, type PolicyChoice } from './policy.ts';
import { PolicyError } from './policy-error.ts';
import { satisfies } from './semver-constraint.ts';
import { parseConstraint } from './semver-grammar.ts';
import { orderBySemver } from './semver-selection.ts';
import { compareVersions, parseVersion, type Version } from './semver-version.ts';
import type { FilterTags } from './tag-filter.ts';

/** Texts of a few characters that matter together: most are nearly what is wanted. */
function textOf(characters: string, maxLength = 12): fc.Arbitrary<string> {
  return fc.string({ unit: fc.constantFrom(...characters), maxLength });
}

const number = fc.constantFrom('0', '1', '2', '10', '01', '9007199254740993', '18446744073709551615');
const identifier = fc.constantFrom('0', '1', '9', '10', 'rc', 'rc1', 'A', 'a-b', '18446744073709551616');
const version = fc
  .tuple(
    fc.constantFrom('', 'v'),
    fc.tuple(number, number, number),
    fc.array(identifier, { maxLength: 3 }),
    fc.constantFrom('', '+build'),
  )
  .map(
    ([v, numbers, pre, meta]) =>
      `${v}${numbers.join('.')}${pre.length > 0 ? '-' : ''}${pre.join('.')}${meta}`,
  );
const versionTag = fc.oneof({ weight: 4, arbitrary: version }, textOf('01v.-+arx'));
const numberTag = fc.oneof(
  textOf('0123456789', 20),
  textOf('0123459.eE+-_xXpPaf'),
  fc.constantFrom('inf', '-inf', 'Infinity', '0x1p4', '16', '1.6e1', '0x1p-2', '0.25', '-0', '0', '1e-400'),
  fc.constantFrom('9007199254740992', '9007199254740993', '0x1p53', '0x20000000000001p0', '9007199254740994'),
);
const choice = fc.constantFrom<PolicyChoice>(
  { semver: { range: '*' } },
  { semver: { range: '>=0.0.0-0' } },
  { semver: { range: '~1.0-0 || >2' } },
  { alphabetical: { order: 'asc' } },
  { alphabetical: { order: 'desc' } },
  { numerical: { order: 'asc' } },
  { numerical: { order: 'desc' } },
);

describe('the order of each rule is total', () => {
  const orderings: [name: string, ordering: Ordering, tag: fc.Arbitrary<string>][] = [
    ['semver', orderBySemver(parseConstraint('*')), versionTag],
    ['alphabetical asc', orderByText('asc'), textOf('aAb_.-019')],
    ['alphabetical desc', orderByText('desc'), textOf('aAb_.-019')],
    ['numerical asc', orderByNumber('asc'), numberTag],
    ['numerical desc', orderByNumber('desc'), numberTag],
  ];
  for (const [name, { compare, choose, judge }, tag] of orderings) {
    it(`${name}: antisymmetric, and no two texts are equal`, () => {
      const holds = (a: string, b: string) => {
        assert.equal(Math.sign(compare(a, b)) + Math.sign(compare(b, a)), 0);
        assert.equal(compare(a, b) === 0, a === b);
      };
      fc.assert(fc.property(tag, tag, holds), { numRuns: 1000 });
    });

    it(`${name}: transitive`, () => {
      const holds = (tags: string[]) => {
        const [a, b, c] = tags.sort(compare) as [string, string, string];
        assert.ok(compare(a, b) <= 0 && compare(b, c) <= 0 && compare(a, c) <= 0);
      };
      fc.assert(fc.property(fc.array(tag, { minLength: 3, maxLength: 3 }), holds), { numRuns: 1000 });
    });

    it(`${name}: the choice is the first of those that match`, () => {
      const holds = (tags: string[]) => {
        const matching = tags.filter((each) => judge(each).matches);
        if (matching.length > 0) assert.equal(choose(matching), matching.sort(compare)[0]);
      };
      fc.assert(fc.property(fc.array(tag), holds));
    });
  }

  it('versions: antisymmetric and transitive', () => {
    const parsed = version.map(parseVersion).filter((each) => each !== undefined);
    const holds = (...versions: [Version, Version, Version]) => {
      const [x, y, z] = versions.sort(compareVersions);
      assert.equal(Math.sign(compareVersions(x, y)) + Math.sign(compareVersions(y, x)), 0);
      assert.ok(compareVersions(x, z) <= 0);
    };
    fc.assert(fc.property(parsed, parsed, parsed, holds), { numRuns: 1000 });
  });
});

describe('selection', () => {
  const tags = fc.array(fc.oneof(versionTag, numberTag));
  const filters = fc.constantFrom<(FilterTags | undefined)[]>(
    undefined,
    { pattern: '^v?(.*?)(-.*)?$', extract: '$1' },
    { pattern: '[0-9]' },
  );

  it('does not depend on the order of the tags, nor on duplicates', async () => {
    const holds = async (
      rule: PolicyChoice,
      filter: FilterTags | undefined,
      list: string[],
      shuffled: string[],
    ) => {
      const policy = await compilePolicy(rule, filter);
      const outcome = async (given: string[]) =>
        policy.latest(given).catch((error: Error) => error.message.replace(/ \(.*/, ''));
      assert.deepEqual(await outcome([...shuffled, ...list]), await outcome(list));
      assert.deepEqual(await policy.explain(shuffled), await policy.explain(list));
    };
    const pair = tags.chain((list) =>
      fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })),
    );
    await fc.assert(
      fc.asyncProperty(choice, filters, pair, (rule, filter, [a, b]) => holds(rule, filter, a, b)),
    );
  });

  it('explains every tag once, the one that is picked first', async () => {
    const holds = async (rule: PolicyChoice, list: string[]) => {
      const policy = await compilePolicy(rule, { pattern: '^v?(.*)$', extract: '$1' });
      const verdicts = await policy.explain(list);
      assert.deepEqual(verdicts.map(({ tag }) => tag).sort(), [...new Set(list)].sort());
      const picked = await policy.latest(list).catch(() => undefined);
      const named = verdicts.filter(({ why }) => why === 'chosen').map(({ tag }) => tag);
      assert.deepEqual(named, picked ? [picked.tag] : []);
      if (picked) assert.equal(verdicts[0]!.tag, picked.tag);
    };
    await fc.assert(fc.asyncProperty(choice, tags, holds));
  });
});

describe('npm semver says the same where its grammar does', () => {
  const small = fc.nat({ max: 3 });
  const release = fc.tuple(small, small, small).map((numbers) => numbers.join('.'));
  const prerelease = fc.constantFrom('', '-0', '-rc.1', '-rc.2', '-rc.10', '-alpha', '-1');
  const full = fc.tuple(release, prerelease).map((parts) => parts.join(''));

  it('of the order of versions', () => {
    const strict = full.map((text) => `${text}+build`);
    const holds = (a: string, b: string) =>
      assert.equal(compareVersions(parseVersion(a)!, parseVersion(b)!), semver.compare(a, b));
    fc.assert(fc.property(strict, full, holds), { numRuns: 1000 });
  });

  // Left out: `!=`, `<=*` and the like, `~0.0.0` (quirks Q1, Q2), and the gate for prereleases.
  const partial = fc.oneof(
    fc.tuple(small, small).map((numbers) => numbers.join('.')),
    small.map((major) => `${major}.x`),
    small.map(String),
  );
  const comparator = fc.oneof(
    fc
      .tuple(fc.constantFrom('', '=', '>', '<', '>=', '<=', '^'), fc.oneof(full, partial))
      .map((parts) => parts.join('')),
    partial.map((text) => `~${text}`),
    full.filter((text) => !text.startsWith('0.0.0')).map((text) => `~${text}`),
    fc.tuple(full, fc.oneof(full, partial)).map(([lower, upper]) => `${lower} - ${upper}`),
  );
  const group = fc.oneof(
    comparator,
    fc
      .array(
        comparator.filter((text) => !text.includes(' ')),
        { minLength: 2, maxLength: 3 },
      )
      .map((all) => all.join(' ')),
  );
  const range = fc.array(group, { minLength: 1, maxLength: 3 }).map((groups) => groups.join(' || '));

  it('of the releases in a range', () => {
    const holds = (text: string, tag: string) =>
      assert.equal(
        satisfies(parseVersion(tag)!, parseConstraint(text)),
        semver.satisfies(tag, text),
        `${tag} in ${text}`,
      );
    fc.assert(fc.property(range, release, holds), { numRuns: 3000 });
  });
});

describe('nothing throws anything but the typed error', () => {
  const anything = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 1024 }),
    textOf('0123xX*v.-+|&,<>=~^! \t', 40),
    textOf('$\\(){}[]?*+|^.:P<>n1aQEdpL', 40),
  );

  it('whatever the range, pattern, template and tags are', async () => {
    const holds = async (range: string, pattern: string, extract: string, tags: string[]) => {
      for (const rule of [{ semver: { range } }, { alphabetical: { order: range } }, { numerical: {} }]) {
        try {
          const policy = await compilePolicy(rule, { pattern, extract });
          await policy.explain(tags);
          await policy.latest(tags);
        } catch (error) {
          assert.ok(error instanceof PolicyError, String(error));
          assert.doesNotMatch(error.message, /[\r\n]/);
        }
      }
    };
    const tags = fc.array(anything, { maxLength: 5 });
    await fc.assert(fc.asyncProperty(anything, anything, anything, tags, holds), { numRuns: 300 });
  });
});

describe('no text takes more than linear time', () => {
  const LENGTH = 300_000;
  const hostile: [name: string, unit: string][] = [
    ['digits', '1'],
    ['spaces', ' '],
    ['segments', '1.'],
    ['hyphens', '-'],
    ['hyphens between spaces', ' - '],
    ['ranges', '1 - '],
    ['identifiers', 'a.'],
    ['bars', '|'],
    ['operators', '>'],
    ['zeros', '0'],
    ['underscores', '1_'],
    ['references', '$1'],
    ['braces', '${'],
  ];
  for (const [name, unit] of hostile) {
    it(name, async () => {
      const text = unit.repeat(LENGTH / unit.length);
      const started = performance.now();
      for (const range of [text, `1${text}`, `1.2.3-${text}!`, `1 - ${text}!`]) {
        await compilePolicy({ semver: { range } }).catch(assertTyped);
      }
      for (const rule of [{ semver: { range: '*-0' } }, { numerical: {} }]) {
        const policy = await compilePolicy(rule, { pattern: '^(.*)$', extract: text });
        await policy.latest(['1']).catch(assertTyped);
        const plain = await compilePolicy(rule);
        await plain.latest([text, `1.2.3-${text}`, `${text}!`, `${text}1`]).catch(assertTyped);
      }
      // Quadratic would be many times that.
      assert.ok(performance.now() - started < 5000);
    });
  }

  function assertTyped(error: unknown): void {
    assert.ok(error instanceof PolicyError, String(error));
  }
});
