/**
 * The long lists of tags that this process read or wrote last, by their revision. Five policies of one repository that
 * has changed run at the same time: the list is unpacked, hashed and cut into lines for one of them.
 */

/** Lists that are shorter cost less than what is kept of them. */
const SHORTEST = 1000;
/** Some ten megabytes, whatever the number of lists. */
const MOST_TAGS = 100_000;

const lists = new Map<string, readonly string[]>();
let kept = 0;

/** @param revision hash of the tags, so that it names this list and no other */
export function rememberTags(revision: string, tags: readonly string[]): void {
  if (tags.length < SHORTEST || tags.length > MOST_TAGS) return;
  forget(revision);
  lists.set(revision, tags);
  kept += tags.length;
  for (const oldest of lists.keys()) {
    if (kept <= MOST_TAGS) return;
    forget(oldest);
  }
}

/** Undefined: the list is not known, or not any more. */
export function knownTags(revision: string): readonly string[] | undefined {
  const tags = lists.get(revision);
  if (!tags) return undefined;
  lists.delete(revision);
  lists.set(revision, tags);
  return tags;
}

function forget(revision: string): void {
  kept -= lists.get(revision)?.length ?? 0;
  lists.delete(revision);
}
