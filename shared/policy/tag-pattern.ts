/** Patterns of users. The engine is RE2 alone, which takes linear time: a user's pattern never meets `RegExp`. */
import type { RE2JS } from 're2js';
import { messageOf } from '../runtime/errors.ts';
import { excerpt } from './policy-error.ts';

/** Compiled patterns that this process keeps: the same few are in nearly every object. */
const CACHE_SIZE = 256;

/** Patterns that would need a larger program are refused: one test of them could hold up every other object. */
const MAX_PROGRAM_SIZE = 10_000;

const compiled = new Map<string, RE2JS>();

/**
 * Compiles a pattern (spec 8.4). The engine is loaded with the first one.
 * @throws Error with what is wrong with it
 */
export async function compilePattern(pattern: string): Promise<RE2JS> {
  const known = compiled.get(pattern);
  if (known) return known;
  const { RE2JS } = await import('re2js');
  const program = tryCompile(RE2JS, pattern);
  if (program.programSize() > MAX_PROGRAM_SIZE) throw new Error('the pattern is too large');
  if (compiled.size >= CACHE_SIZE) {
    const [oldest] = compiled.keys();
    compiled.delete(oldest!);
  }
  compiled.set(pattern, program);
  return program;
}

function tryCompile(engine: typeof RE2JS, pattern: string): RE2JS {
  try {
    return engine.compile(pattern);
  } catch (error) {
    throw new Error(excerpt(messageOf(error)), { cause: error });
  }
}
