/**
 * Versions as Masterminds/semver reads them (spec 8.5.1, 8.5.2): leading zeros, a `v` and missing numbers are fine.
 * Reading is done in two steps and into a record that can be used again: whoever looks for the greatest of many
 * versions compares the numbers first, and leaves most tags after that (`semver-selection.ts`).
 */

/** A whole number of up to 64 bits: `number` as long as that is exact, else `bigint`. JavaScript compares the two. */
export type Whole = number | bigint;

export interface Version {
  major: Whole;
  minor: Whole;
  patch: Whole;
  /** How many of the three numbers were written; the others are 0. */
  written: number;
  /** Identifiers between dots, e.g. `rc.1`; empty: none. */
  prerelease: string;
}

const [ZERO, NINE, DOT, HYPHEN, PLUS, SMALL_V] = [0x30, 0x39, 0x2e, 0x2d, 0x2b, 0x76];

/** Digits that a `number` always holds exactly. */
const EXACT_DIGITS = 15;
const LARGEST_64_BIT = '18446744073709551615';

/** 0.0.0, to be read into. */
export function emptyVersion(): Version {
  return { major: 0, minor: 0, patch: 0, written: 0, prerelease: '' };
}

/**
 * Reads a whole text as a version, of one, two or three numbers. Which of them count as a tag's version is said by
 * `isTagVersion` and `isFullVersion`.
 * @returns undefined for a text that is no version
 */
export function parseVersion(text: string): Version | undefined {
  const version = emptyVersion();
  const end = readNumbers(text, version);
  return end >= 0 && readSuffix(text, end, version) ? version : undefined;
}

/** Whether a version, read from `text`, is that of a tag of an ImagePolicy: at least two dots, anywhere (IR-SEM-2). */
export function isTagVersion({ written }: Version, text: string): boolean {
  return written === 3 || text.indexOf('.', text.indexOf('.') + 1) > 0;
}

/** Whether all three numbers were written, as OCIRepository wants it (OCI 8.4.1). */
export function isFullVersion({ written }: Version): boolean {
  return written === 3;
}

/**
 * First step: the `v` and the numbers, into `version`.
 * @returns where the numbers end, -1 where there are none or one needs more than 64 bits (IR-SEM-3)
 */
export function readNumbers(text: string, version: Version): number {
  const { length } = text;
  let at = length > 0 && text.charCodeAt(0) === SMALL_V ? 1 : 0;
  version.minor = 0;
  version.patch = 0;
  for (let written = 1; ; written++) {
    const start = at;
    let value: Whole = 0;
    for (; at < length; at++) {
      const code = text.charCodeAt(at);
      if (code < ZERO || code > NINE) break;
      value = value * 10 + (code - ZERO);
    }
    if (at === start) return -1;
    if (at - start > EXACT_DIGITS) {
      const whole = readWhole(text.slice(start, at));
      if (whole === undefined) return -1;
      value = whole;
    }
    version.written = written;
    if (written === 1) version.major = value;
    else if (written === 2) version.minor = value;
    else version.patch = value;
    if (written === 3 || at === length || text.charCodeAt(at) !== DOT) return at;
    at++;
  }
}

/**
 * Second step: prerelease and metadata, from `start`, where the numbers end. Metadata is checked and forgotten.
 * @returns false where the text goes on with anything else
 */
export function readSuffix(text: string, start: number, version: Version): boolean {
  const { length } = text;
  version.prerelease = '';
  let at = start;
  if (at < length && text.charCodeAt(at) === HYPHEN) {
    at = identifiersEnd(text, start + 1, true);
    if (at < 0) return false;
    version.prerelease = text.slice(start + 1, at);
  }
  if (at < length && text.charCodeAt(at) === PLUS) at = identifiersEnd(text, at + 1, false);
  return at === length;
}

/** Whether a version has a prerelease, before its second step. */
export function startsPrerelease(text: string, at: number): boolean {
  return at < text.length && text.charCodeAt(at) === HYPHEN;
}

/** Below 0: `a` is lower; above 0: `a` is greater; 0: the same numbers. */
export function compareNumbers(a: Version, b: Version): number {
  if (a.major !== b.major) return a.major < b.major ? -1 : 1;
  if (a.minor !== b.minor) return a.minor < b.minor ? -1 : 1;
  if (a.patch !== b.patch) return a.patch < b.patch ? -1 : 1;
  return 0;
}

/** Precedence of SemVer (IR-SEM-6): below 0: `a` is lower; above 0: `a` is greater; 0: equal, whatever their metadata. */
export function compareVersions(a: Version, b: Version): number {
  return compareNumbers(a, b) || comparePrereleases(a.prerelease, b.prerelease);
}

/** Compares two lists of identifiers; the empty one, no prerelease, is the greatest. */
export function comparePrereleases(a: string, b: string): number {
  if (a === b) return 0;
  if (a === '' || b === '') return a === '' ? 1 : -1;
  let [startA, startB] = [0, 0];
  while (startA <= a.length && startB <= b.length) {
    const endA = identifierEnd(a, startA);
    const endB = identifierEnd(b, startB);
    const order = compareIdentifiers(a.slice(startA, endA), b.slice(startB, endB));
    if (order !== 0) return order;
    startA = endA + 1;
    startB = endB + 1;
  }
  return startA > a.length ? -1 : 1;
}

function identifierEnd(list: string, start: number): number {
  const dot = list.indexOf('.', start);
  return dot < 0 ? list.length : dot;
}

function compareIdentifiers(a: string, b: string): number {
  if (a === b) return 0;
  const [numericA, numericB] = [isNumeric(a), isNumeric(b)];
  if (numericA !== numericB) return numericA ? -1 : 1;
  // Numbers have no leading zeros here: the longer one is the greater one.
  if (numericA && a.length !== b.length) return a.length < b.length ? -1 : 1;
  return a < b ? -1 : 1;
}

/** Digits alone, of at most 64 bits; above that an identifier is a text (IR-SEM-6). */
function isNumeric(identifier: string): boolean {
  for (let at = 0; at < identifier.length; at++) if (!isDigit(identifier.charCodeAt(at))) return false;
  return fits64Bits(identifier);
}

/** @param digits without leading zeros */
function fits64Bits(digits: string): boolean {
  if (digits.length !== LARGEST_64_BIT.length) return digits.length < LARGEST_64_BIT.length;
  return digits <= LARGEST_64_BIT;
}

function readWhole(digits: string): Whole | undefined {
  let start = 0;
  while (start < digits.length - 1 && digits.charCodeAt(start) === ZERO) start++;
  const significant = digits.slice(start);
  if (!fits64Bits(significant)) return undefined;
  const value = Number(significant);
  return Number.isSafeInteger(value) ? value : BigInt(significant);
}

/** Where a list of identifiers ends, -1 where it is none: one is empty, or a number with a leading zero where `strict`. */
function identifiersEnd(text: string, start: number, strict: boolean): number {
  let at = start;
  for (;;) {
    const first = at;
    let digits = true;
    for (; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (isDigit(code)) continue;
      if (!isLetter(code) && code !== HYPHEN) break;
      digits = false;
    }
    if (at === first) return -1;
    if (strict && digits && at - first > 1 && text.charCodeAt(first) === ZERO) return -1;
    if (at === text.length || text.charCodeAt(at) !== DOT) return at;
    at++;
  }
}

function isDigit(code: number): boolean {
  return code >= ZERO && code <= NINE;
}

function isLetter(code: number): boolean {
  const small = code | 0x20;
  return small >= 0x61 && small <= 0x7a;
}
