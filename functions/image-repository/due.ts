/** Is a scan due, why, and how long to wait for the next one: table 5.2 as a pure function. */
import { sameCanonicalName } from '../../shared/oci/image-name.ts';

/** What table 5.2 says about the tag record. Counts, never the tags: the decision must not need to read them. */
export interface StoredScan {
  canonicalName: string;
  exclusionList: readonly string[];
  tagCount: number;
  revision: string;
}

/** The facts that decide. Times are milliseconds; instants since 1970. */
export interface ScanFacts {
  /** When the run started. */
  now: number;
  intervalMs: number;
  /** Jitter of the relay's timers in percent: a timer that fires early by as much is due (IR-REC-23). */
  jitterPercent: number;
  /** When the last scan ended, from `status.lastScanResult`; undefined when there was none. */
  scanTime: number | undefined;
  /** Revision that the status shows; older CRDs prune it (IR-API-3). */
  statusRevision: string | undefined;
  /** A person asked for a scan that has not succeeded since (IR-REC-3, IR-REPO-9). */
  requested: boolean;
  canonicalName: string;
  /** `status.canonicalImageName`, where the status has one. */
  observedName: string | undefined;
  /** The effective list (IR-API-5). */
  exclusionList: readonly string[];
  /** `status.observedExclusionList`, where the status has one. */
  observedExclusionList: readonly string[] | undefined;
  /** The record of this very object; undefined when there is none that can be used. */
  record: StoredScan | undefined;
}

/** Rows 1 to 6, in the words that conditions show. */
export type ScanReason =
  | 'first scan'
  | 'reconcile requested'
  | 'new image name'
  | 'updated exclusion list'
  | 'no tags in database'
  | 'triggered by interval';

/** `waitMs` is the time until the next run after this one succeeded; 0: no timer. */
export type DueDecision =
  | { due: true; reason: ScanReason; waitMs: number }
  | { due: false; record: StoredScan; waitMs: number };

/** A timer that fires by this much early is not sent round again. */
const EARLY_MS = 1000;

/**
 * Table 5.2 of the specification; the first row that matches wins.
 * A wait is never longer than the interval, whatever the clock that wrote `scanTime` said (IR-REPO-6).
 */
export function decideScan(facts: ScanFacts): DueDecision {
  const { now, intervalMs, record } = facts;
  const scan = (reason: ScanReason): DueDecision => ({ due: true, reason, waitMs: intervalMs });

  if (facts.scanTime === undefined) return scan('first scan');
  if (facts.requested) return scan('reconcile requested');

  const observedName = facts.observedName ?? record?.canonicalName;
  if (observedName === undefined || !sameCanonicalName(observedName, facts.canonicalName)) {
    return scan('new image name');
  }
  const observedList = facts.observedExclusionList ?? record?.exclusionList;
  if (observedList !== undefined && !sameEntries(observedList, facts.exclusionList)) {
    return scan('updated exclusion list');
  }
  if (record === undefined || !isUsable(record, facts)) return scan('no tags in database');

  const age = Math.max(0, now - facts.scanTime);
  const shortest = intervalMs * (1 - facts.jitterPercent / 100);
  if (shortest - age < EARLY_MS) return scan('triggered by interval');
  return { due: false, record, waitMs: intervalMs - age };
}

/**
 * Row 5. Beyond the table: a record of another revision than the status shows is none either. It is left by a scan
 * whose status write failed, or by an earlier life of this object under our care.
 */
function isUsable(record: StoredScan, facts: ScanFacts): boolean {
  if (record.tagCount === 0) return false;
  if (!sameCanonicalName(record.canonicalName, facts.canonicalName)) return false;
  return facts.statusRevision === undefined || facts.statusRevision === record.revision;
}

/** Row 4: equal length, and each entry of the one occurs in the other. Lists have at most 25 entries. */
export function sameEntries(one: readonly string[], other: readonly string[]): boolean {
  if (one.length !== other.length) return false;
  return one.every((entry) => other.includes(entry)) && other.every((entry) => one.includes(entry));
}
