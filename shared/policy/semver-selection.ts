/** The greatest version in a range (spec 8.5.7), for an ImagePolicy and for an OCIRepository. */
import { compareText, type Judgement, type Ordering } from './ordering.ts';
import { PolicyError } from './policy-error.ts';
import { type Constraint, isGatedOnly, satisfies } from './semver-constraint.ts';
import {
  compareNumbers,
  compareVersions,
  emptyVersion,
  isFullVersion,
  isTagVersion,
  parseVersion,
  readNumbers,
  readSuffix,
  startsPrerelease,
  type Version,
} from './semver-version.ts';

export interface SelectionOptions {
  /** Which texts that can be read as a version are one: the two kinds differ (IR-SEM-1, OCI 8.4.1). */
  isVersion: (version: Version, text: string) => boolean;
}

const OF_IMAGE_POLICY: SelectionOptions = { isVersion: isTagVersion };
/** What OCIRepository calls a version. */
export const OF_OCI_REPOSITORY: SelectionOptions = { isVersion: isFullVersion };

/**
 * The text with the greatest version in the range; among equal versions the one that is greatest by bytes (IR-SEM-7).
 * Texts that are no versions are left out without a word (IR-SEM-4).
 * @returns undefined where there is none
 */
export function selectVersion(
  tags: readonly string[],
  constraint: Constraint,
  { isVersion }: SelectionOptions = OF_IMAGE_POLICY,
): string | undefined {
  let best: string | undefined;
  let bestVersion = emptyVersion();
  let version = emptyVersion();
  for (const tag of tags) {
    const end = readNumbers(tag, version);
    // Most tags are out here, before anything is checked that costs more.
    if (end < 0 || (best !== undefined && compareNumbers(version, bestVersion) < 0)) continue;
    if (!constraint.takesPrereleases && startsPrerelease(tag, end)) continue;
    if (!readSuffix(tag, end, version) || !isVersion(version, tag)) continue;
    if (best !== undefined) {
      const order = compareVersions(version, bestVersion);
      if (order < 0 || (order === 0 && tag <= best)) continue;
    }
    if (!satisfies(version, constraint)) continue;
    best = tag;
    [version, bestVersion] = [bestVersion, version];
  }
  return best;
}

/** The rule `semver` of an ImagePolicy. */
export function orderBySemver(constraint: Constraint): Ordering {
  return {
    choose(candidates) {
      if (candidates.length === 0) throw new PolicyError('failure', 'version list argument cannot be empty');
      const best = selectVersion(candidates, constraint);
      if (best !== undefined) return best;
      throw new PolicyError('failure', 'unable to determine latest version from provided list');
    },
    judge: (candidate) => judge(candidate, constraint),
    compare(a, b) {
      const [versionA, versionB] = [readTag(a), readTag(b)];
      if (versionA && versionB) return compareVersions(versionB, versionA) || compareText(b, a);
      return versionA ? -1 : versionB ? 1 : compareText(b, a);
    },
  };
}

function judge(candidate: string, constraint: Constraint): Judgement {
  const version = readTag(candidate);
  if (!version) return { matches: false, why: 'not a version' };
  const shown = { version: versionText(version) };
  if (satisfies(version, constraint)) return { matches: true, why: '', ...shown };
  const why = isGatedOnly(version, constraint)
    ? 'a prerelease, and the range takes none'
    : 'outside of the range';
  return { matches: false, why, ...shown };
}

function readTag(tag: string): Version | undefined {
  const version = parseVersion(tag);
  return version && isTagVersion(version, tag) ? version : undefined;
}

function versionText({ major, minor, patch, prerelease }: Version): string {
  return `${major}.${minor}.${patch}${prerelease && '-'}${prerelease}`;
}
