/**
 * How a range is written (spec 8.5.3): the grammar of Masterminds/semver, read by hand, from left to right. A regular
 * expression for it would need more than linear time on the ranges that somebody may think of.
 */
import { PolicyError, quote } from './policy-error.ts';
import type { Comparator, Constraint, ConstraintGroup, Operator, Shape } from './semver-constraint.ts';
import { parseVersion } from './semver-version.ts';

/** Longest first: the first that fits is meant. */
const OPERATORS: readonly (readonly [string, Operator])[] = [
  ['!=', '!='],
  ['>=', '>='],
  ['=>', '>='],
  ['<=', '<='],
  ['=<', '<='],
  ['~>', '~'],
  ['=', '='],
  ['>', '>'],
  ['<', '<'],
  ['~', '~'],
  ['^', '^'],
];

/**
 * A segment is at first any run of these characters, the bar included: `7x` has the form of a comparator and is
 * refused as one, which is another error than a text that has not the form (IR-CON-1).
 */
const VERSION =
  /v?([0-9xX*|]+)(?:\.([0-9xX*|]+))?(?:\.([0-9xX*|]+))?(-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?/y;
const WILDCARDS: readonly (string | undefined)[] = ['x', 'X', '*', undefined];

/**
 * Reads a range, e.g. `>=1.2.0 <2.0.0 || ~3.1`.
 * @throws PolicyError code `invalid`: `improper constraint: "…"` or `constraint parser error: "…"`
 */
export function parseConstraint(range: string): Constraint {
  const groups = rewriteHyphens(range).split('||').map(parseGroup);
  return { groups, takesPrereleases: groups.some((group) => group.takesPrereleases) };
}

/** The form of the whole group comes first, then the versions in it (IR-CON-1). */
function parseGroup(text: string): ConstraintGroup {
  const written: [Operator, RegExpExecArray][] = [];
  let at = skipSpace(text, 0);
  for (;;) {
    const [sign, operator] = OPERATORS.find(([each]) => text.startsWith(each, at)) ?? ['', '='];
    const start = skipSpace(text, at + sign.length);
    const version = matchVersion(text, start);
    if (!version) throw improper(text);
    written.push([operator, version]);
    const end = start + version[0].length;
    at = skipSpace(text, end);
    if (at === text.length) break;
    if (text[at] === ',') at = skipSpace(text, at + 1);
    else if (at === end) throw improper(text);
  }
  const comparators = written.map(([operator, version]) => toComparator(operator, version));
  return { comparators, takesPrereleases: comparators.some(({ version }) => version.prerelease !== '') };
}

/** What stands behind the first open number is ignored (8.5.4), but for the suffix. */
function toComparator(operator: Operator, found: RegExpExecArray): Comparator {
  const [text, major, minor, patch, prerelease = ''] = found;
  const [shape, numbers]: [Shape, string] = WILDCARDS.includes(major)
    ? ['all-open', '0.0.0']
    : WILDCARDS.includes(minor)
      ? ['minor-open', `${major}.0.0`]
      : WILDCARDS.includes(patch)
        ? ['patch-open', `${major}.${minor}.0`]
        : ['full', `${major}.${minor}.${patch}`];
  const version = parseVersion(numbers + prerelease);
  if (!version) throw new PolicyError('invalid', `constraint parser error: ${quote(text)}`);
  return { operator, shape, version };
}

/**
 * `A - B` becomes `>= A, <= B `, everywhere (8.5.3, step 1). White space around it goes, as in the original: a range
 * that follows another comparator needs a comma in front of it.
 */
function rewriteHyphens(range: string): string {
  let rewritten = '';
  let done = 0;
  for (let hyphen = range.indexOf('-'); hyphen >= 0; hyphen = range.indexOf('-', hyphen + 1)) {
    const lower = wordBefore(range, hyphen, done);
    const start = skipSpace(range, hyphen + 1);
    if (!lower || start === hyphen + 1) continue;
    const upper = matchVersion(range, start)?.[0];
    if (upper === undefined) continue;
    rewritten += `${range.slice(done, lower.start)}>= ${lower.text}, <= ${upper} `;
    done = skipSpace(range, start + upper.length);
    hyphen = done - 1;
  }
  return rewritten + range.slice(done);
}

/** The version that ends in front of `hyphen`, with space between the two, and where it starts with the space before it. */
function wordBefore(text: string, hyphen: number, from: number): { text: string; start: number } | undefined {
  let end = hyphen;
  while (end > from && isSpace(text, end - 1)) end--;
  if (end === hyphen) return undefined;
  let start = end;
  while (start > from && !isSpace(text, start - 1) && text[start - 1] !== ',') start--;
  const word = text.slice(start, end);
  if (matchVersion(word, 0)?.[0] !== word) return undefined;
  while (start > from && isSpace(text, start - 1)) start--;
  return { text: word, start };
}

function matchVersion(text: string, at: number): RegExpExecArray | null {
  VERSION.lastIndex = at;
  return VERSION.exec(text);
}

function skipSpace(text: string, start: number): number {
  let at = start;
  while (at < text.length && isSpace(text, at)) at++;
  return at;
}

/** White space of the grammar: tab, line feed, form feed, carriage return, space. */
function isSpace(text: string, at: number): boolean {
  return '\t\n\f\r '.includes(text[at]!);
}

function improper(group: string): PolicyError {
  return new PolicyError('invalid', `improper constraint: ${quote(group)}`);
}
