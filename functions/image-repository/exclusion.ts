/** Which tags a scan leaves out (5.4). The engine is RE2 alone: a user's pattern never meets `RegExp`. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { DEFAULT_EXCLUSION_LIST } from '../../shared/api/image-repository.ts';

/** True: the tag is left out. */
export type TagTest = (tag: string) => boolean;

/** Compiled patterns that this process keeps: the same few are in nearly every object. */
const CACHE_SIZE = 256;

/** Patterns that would need a larger program are refused: one test of them could hold up every other object. */
const MAX_PROGRAM_SIZE = 10_000;

/** Characters of a pattern that a message shows. */
const LONGEST_QUOTE = 300;

/** Tags between two looks at the clock, and the time after which others get their turn. */
const TAGS_PER_LOOK = 256;
const TURN_MS = 20;

const compiled = new Map<string, TagTest>([[DEFAULT_EXCLUSION_LIST[0]!, (tag) => tag.endsWith('.sig')]]);

/**
 * Compiles every pattern, before a registry is asked (IR-REPO-15).
 * @param list effective exclusion list
 * @throws Error `failed to compile regex <pattern>: <cause>` for the first bad one
 */
export async function compileExclusions(list: readonly string[]): Promise<TagTest[]> {
  const tests: TagTest[] = [];
  for (const pattern of list) tests.push(compiled.get(pattern) ?? (await compile(pattern)));
  return tests;
}

/** The engine is loaded with the first pattern that needs it: the default one, a plain suffix, does not. */
async function compile(pattern: string): Promise<TagTest> {
  const { RE2JS } = await import('re2js');
  let test: TagTest;
  try {
    const program = RE2JS.compile(pattern);
    if (program.programSize() > MAX_PROGRAM_SIZE) throw new Error('the pattern is too large');
    test = (tag) => program.test(tag);
  } catch (error) {
    throw new Error(`failed to compile regex ${excerpt(pattern)}: ${excerpt((error as Error).message)}`);
  }
  remember(pattern, test);
  return test;
}

/** A text of people in a message: long enough to be found, not longer. */
function excerpt(text: string): string {
  return text.length <= LONGEST_QUOTE ? text : `${text.slice(0, LONGEST_QUOTE)}…`;
}

function remember(pattern: string, test: TagTest): void {
  if (compiled.size >= CACHE_SIZE) {
    const [, oldest] = compiled.keys(); // the first one is the default
    compiled.delete(oldest!);
  }
  compiled.set(pattern, test);
}

/**
 * `tags` without those that any test matches, in the order given. Linear in the tags; a long list gives way to other
 * objects of the process now and then, and ends with the signal.
 */
export async function excludeTags(
  tags: readonly string[],
  tests: readonly TagTest[],
  signal: AbortSignal,
): Promise<string[]> {
  const kept: string[] = [];
  let turnStarted = performance.now();
  for (const [index, tag] of tags.entries()) {
    if (index % TAGS_PER_LOOK === TAGS_PER_LOOK - 1 && performance.now() - turnStarted > TURN_MS) {
      await nextTurn();
      signal.throwIfAborted();
      turnStarted = performance.now();
    }
    if (!tests.some((matches) => matches(tag))) kept.push(tag);
  }
  return kept;
}
