/** Which tags a scan leaves out (5.4). The engine is RE2 alone: a user's pattern never meets `RegExp`. */
import { DEFAULT_EXCLUSION_LIST } from '../../shared/api/image-repository.ts';
import { excerpt } from '../../shared/policy/policy-error.ts';
import { compilePattern } from '../../shared/policy/tag-pattern.ts';
import { messageOf } from '../../shared/runtime/errors.ts';
import { forEachInTurns } from '../../shared/runtime/turns.ts';

/** True: the tag is left out. */
export type TagTest = (tag: string) => boolean;

/** The default pattern is a plain suffix: the engine is not even loaded for it. */
const [SIGNATURES] = DEFAULT_EXCLUSION_LIST;
const isSignature: TagTest = (tag) => tag.endsWith('.sig');

/**
 * Compiles every pattern, before a registry is asked (IR-REPO-15).
 * @param list effective exclusion list
 * @throws Error `failed to compile regex <pattern>: <cause>` for the first bad one
 */
export async function compileExclusions(list: readonly string[]): Promise<TagTest[]> {
  const tests: TagTest[] = [];
  for (const pattern of list) tests.push(pattern === SIGNATURES ? isSignature : await compile(pattern));
  return tests;
}

async function compile(pattern: string): Promise<TagTest> {
  try {
    const program = await compilePattern(pattern);
    return (tag) => program.test(tag);
  } catch (error) {
    throw new Error(`failed to compile regex ${excerpt(pattern)}: ${messageOf(error)}`, { cause: error });
  }
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
  const keep = (tag: string) => {
    if (!tests.some((matches) => matches(tag))) kept.push(tag);
  };
  await forEachInTurns(tags, keep, signal);
  return kept;
}
