/** One scan (5.3): list, leave out, order, name, store. */
import { sameCanonicalName } from '../../shared/oci/image-name.ts';
import type { Registry } from '../../shared/oci/registry.ts';
import { messageOf } from '../../shared/runtime/errors.ts';
import { type TagRecord, type TagRecordHeader, writeTagRecord } from '../../shared/storage/tag-record.ts';
import { sameEntries } from './due.ts';
import { compileExclusions, excludeTags } from './exclusion.ts';
import { inStoredOrder, latestTags, revisionOf } from './tag-set.ts';
import type { Target } from './target.ts';

export interface ScanOptions {
  target: Target;
  /** UID of the object. */
  uid: string;
  /** Opens the registry; called when the patterns are known to be good, so that a bad one costs no request. */
  open(): Registry;
  canonicalName: string;
  /** The effective list. */
  exclusionList: string[];
  /** What is stored for the object now. */
  record: TagRecordHeader | undefined;
}

/** What a scan found. */
export interface ScanFound {
  tagCount: number;
  revision: string;
  latestTags: string[] | undefined;
  /** When the tags were stored: milliseconds since 1970. */
  scanTime: number;
  durationMs: number;
  pages: number;
  /** Whether it is another tag set, or one of another image, than the one stored before. */
  changed: boolean;
}

/**
 * Scans the whole repository. A listing that breaks off in the middle stores nothing (IR-REPO-11), and a record that
 * says the same already is not written again (IR-STORE-6).
 * @throws Error with the text that follows `scan failed: `
 */
export async function scan(options: ScanOptions, signal: AbortSignal): Promise<ScanFound> {
  const { target, uid, canonicalName, exclusionList, record } = options;
  const { clock } = target.run;
  const startedAt = clock.now();
  const tests = await compileExclusions(exclusionList);
  const listing = await options.open().listTags(signal);
  const tags = inStoredOrder(await excludeTags(listing.tags, tests, signal));
  const revision = revisionOf(tags);
  const scanTime = clock.now();

  const changed = record?.revision !== revision || !sameCanonicalName(record.canonicalName, canonicalName);
  if (changed || !sameEntries(record.exclusionList, exclusionList)) {
    const { etag } = record ?? {};
    await storeTags(target, { uid, canonicalName, exclusionList, scanTime, revision, tags, etag }, signal);
  }
  const { pages } = listing;
  const durationMs = scanTime - startedAt;
  return {
    tagCount: tags.length,
    revision,
    latestTags: latestTags(tags),
    scanTime,
    durationMs,
    pages,
    changed,
  };
}

/** The store comes before the status: whoever reads the new status finds its tags (IR-REPO-10). */
async function storeTags(
  target: Target,
  record: Omit<TagRecord, 'tagCount'>,
  signal: AbortSignal,
): Promise<void> {
  try {
    await writeTagRecord(target.run.store, target.recordKey, record, signal);
  } catch (error) {
    throw new Error(`failed to set tags for "${record.canonicalName}": ${messageOf(error)}`, {
      cause: error,
    });
  }
}
