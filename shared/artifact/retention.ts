/** Which old files of an object go, and when it is worth to look for them (spec 16.5, decisions OCIRepository). */

export interface Retention {
  /** Files other than the current one go when they were written longer ago than this: milliseconds. */
  ttlMs: number;
  /** Files that stay at most, the current one included. */
  records: number;
}

export interface AgedFile {
  path: string;
  /** Milliseconds since 1970. */
  writtenAt: number;
}

/**
 * Whether old files may have to go: right after a change, when there may be too many, and when its files become too
 * old. A listing at every run would cost more than everything else that the run of an unchanged object does.
 * @param changedAt `lastUpdateTime` of the artifact; both times in milliseconds since 1970
 * @param intervalMs `spec.interval`: each of the two times is seen by at least one run; 0: nobody knows when one comes
 */
export function mayHaveOldFiles(
  changedAt: number,
  intervalMs: number,
  { ttlMs }: Retention,
  now: number,
): boolean {
  const age = now - changedAt;
  const isJustAfter = (moment: number) => age > moment && age <= moment + 2 * intervalMs;
  if (age <= 0 || intervalMs === 0) return age <= ttlMs;
  return isJustAfter(0) || isJustAfter(ttlMs);
}

/**
 * The paths to delete: all that are too old, then the oldest beyond the number of records. Never `current`.
 * @param files every file of the object but the alias
 */
export function outdatedFiles(
  files: readonly AgedFile[],
  current: string,
  { ttlMs, records }: Retention,
  now: number,
): string[] {
  const others = files.filter((file) => file.path !== current);
  const youngestFirst = others.toSorted((a, b) => b.writtenAt - a.writtenAt || (a.path < b.path ? -1 : 1));
  const kept = youngestFirst.filter((file) => now - file.writtenAt <= ttlMs).slice(0, records - 1);
  return youngestFirst.filter((file) => !kept.includes(file)).map((file) => file.path);
}
