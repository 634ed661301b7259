/** Which versions a range takes (spec 8.5.4 to 8.5.6). How a range is written is the business of `semver-grammar.ts`. */
import { compareNumbers, comparePrereleases, compareVersions, type Version } from './semver-version.ts';

export type Operator = '=' | '!=' | '>' | '<' | '>=' | '<=' | '~' | '^';

/** Which of its numbers a comparator leaves open: `1.2.3` none, `1.2` the patch, `1` minor and patch, `*` all. */
export type Shape = 'full' | 'patch-open' | 'minor-open' | 'all-open';

export interface Comparator {
  operator: Operator;
  shape: Shape;
  /** Open numbers are 0. */
  version: Version;
}

/** Comparators that must all hold. */
export interface ConstraintGroup {
  comparators: readonly Comparator[];
  /** One of them names a prerelease: versions with one are compared like all others (IR-CON-3). */
  takesPrereleases: boolean;
}

/** A range: a version must satisfy one of the groups. */
export interface Constraint {
  groups: readonly ConstraintGroup[];
  /** Whether any group takes prereleases. */
  takesPrereleases: boolean;
}

type Test = (version: Version, comparator: Comparator) => boolean;

/** The table of 8.5.6, a row an entry. `c` is what was written. */
const TESTS: Readonly<Record<Operator, Test>> = {
  '=': (v, c) => (c.shape === 'full' ? compareVersions(v, c.version) === 0 : isNear(v, c)),
  '!=': differs,
  '>': isAbove,
  '<': (v, c) => compareVersions(v, c.version) < 0,
  '>=': (v, c) => compareVersions(v, c.version) >= 0,
  '<=': isNotAbove,
  '~': isNear,
  '^': isCompatible,
};

/** Whether a version lies in a range (IR-CON-2). */
export function satisfies(version: Version, constraint: Constraint): boolean {
  for (const group of constraint.groups) {
    if (version.prerelease !== '' && !group.takesPrereleases) continue;
    if (holds(version, group)) return true;
  }
  return false;
}

/** Whether only the gate for prereleases keeps a version out of a range (IR-CON-3). */
export function isGatedOnly(version: Version, constraint: Constraint): boolean {
  return version.prerelease !== '' && constraint.groups.some((group) => holds(version, group));
}

function holds(version: Version, { comparators }: ConstraintGroup): boolean {
  for (const comparator of comparators) {
    if (!TESTS[comparator.operator](version, comparator)) return false;
  }
  return true;
}

function differs(v: Version, { shape, version: c }: Comparator): boolean {
  if (shape === 'minor-open') return v.major !== c.major;
  if (shape !== 'patch-open') return compareVersions(v, c) !== 0;
  if (v.major !== c.major || v.minor !== c.minor) return true;
  return comparePrereleases(v.prerelease, c.prerelease) !== 0;
}

function isAbove(v: Version, { shape, version: c }: Comparator): boolean {
  if (shape === 'minor-open') return v.major > c.major;
  if (shape === 'patch-open') return v.major > c.major || (v.major === c.major && v.minor > c.minor);
  return compareVersions(v, c) > 0;
}

function isNotAbove(v: Version, { shape, version: c }: Comparator): boolean {
  if (shape === 'full') return compareVersions(v, c) <= 0;
  if (shape === 'minor-open') return v.major <= c.major;
  return v.major < c.major || (v.major === c.major && v.minor <= c.minor);
}

function isNear(v: Version, { shape, version: c }: Comparator): boolean {
  if (compareVersions(v, c) < 0) return false;
  // `~0.0.0` takes everything, as `~*` does (quirk Q1).
  if (shape === 'all-open' || (shape === 'full' && compareNumbers(c, NOTHING) === 0)) return true;
  return v.major === c.major && (shape === 'minor-open' || v.minor === c.minor);
}

/** The leftmost number that is not 0 is fixed; what was left open is free. */
function isCompatible(v: Version, { shape, version: c }: Comparator): boolean {
  if (compareVersions(v, c) < 0 || v.major !== c.major) return false;
  if (c.major > 0 || shape === 'minor-open') return true;
  if (v.minor !== c.minor) return false;
  return c.minor > 0 || shape === 'patch-open' || v.patch === c.patch;
}

const NOTHING: Version = { major: 0, minor: 0, patch: 0, written: 3, prerelease: '' };
