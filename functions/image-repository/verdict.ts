/** How a run ended. */
import type { ImageRepository } from '../../shared/api/image-repository.ts';
import type { Failure } from '../../shared/runtime/failure.ts';
import type { ScanFound } from './scan.ts';

/** The stored tags are as they should be. */
export interface Success {
  result: 'ok';
  canonicalName: string;
  /** The effective list. */
  exclusionList: string[];
  /** What is stored: by this scan, or by the last one when none was due. */
  tagCount: number;
  revision: string;
  /** Undefined: no scan was due. */
  scan: ScanFound | undefined;
  /** Time until the next run in milliseconds; 0: no timer. */
  waitMs: number;
}

export type Verdict = Success | Failure;

/**
 * The revision that dependents must hear of; undefined when they know it (IR-POL-7). A scan that stored its tags but
 * could not write its status has told nobody: the run after it does, although it finds nothing new itself.
 * @param before the object as the run found it; @param attempt failed runs before this one
 */
export function changedRevision(
  before: ImageRepository,
  verdict: Success,
  attempt: number,
): string | undefined {
  if (!verdict.scan) return undefined;
  const told = before.status?.lastScanResult?.revision;
  const untold = told === undefined ? attempt > 0 : told !== verdict.revision;
  return verdict.scan.changed || untold ? verdict.revision : undefined;
}
