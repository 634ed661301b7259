/** The stored order of tags and the name of a tag set: its revision (5.5). */
import { hash } from 'node:crypto';

/** How many tags the status shows. They are for people who debug; nothing reads them. */
const LATEST_TAGS = 10;

/**
 * Orders by bytes, descending, without duplicates (IR-REPO-16). Tags are ASCII, where the order of JavaScript's
 * strings is that of their bytes. The array is ordered in place: lists are long.
 */
export function inStoredOrder(tags: string[]): string[] {
  tags.sort().reverse();
  if (!tags.some((tag, index) => index > 0 && tag === tags[index - 1])) return tags;
  return tags.filter((tag, index) => index === 0 || tag !== tags[index - 1]);
}

/** `sha256:` and the hex SHA-256 over every tag followed by a line feed, in stored order (IR-REPO-17). */
export function revisionOf(tags: readonly string[]): string {
  const text = tags.length === 0 ? '' : `${tags.join('\n')}\n`;
  return `sha256:${hash('sha256', text)}`;
}

/** `status.lastScanResult.latestTags`: undefined where there is nothing to show (2.4). */
export function latestTags(tags: readonly string[]): string[] | undefined {
  return tags.length === 0 ? undefined : tags.slice(0, LATEST_TAGS);
}
