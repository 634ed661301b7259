/** Rules that leave files out of an artifact: how their text is read, and what one rule matches (OCI 14.2 to 14.4). */
import { matchesGlob } from '../oci/glob.ts';
import { ArtifactError } from './artifact-error.ts';

export interface IgnoreRule {
  /** Whether the rule brings back what an earlier one dropped (`!` in front). */
  includes: boolean;
  /**
   * @param path components, relative to where the rule comes from; at least one
   * @param directory whether the path is one
   */
  matches(path: readonly string[], directory: boolean): boolean;
}

/** Longest line (bytes). */
const MAX_LINE = 64 * 1024;

const ANY_DEPTH = '**';

/**
 * The rules of a text, in its order.
 * @param source what the text is, for the message
 * @throws ArtifactError of code `ignore` for a line that is too long
 */
export function parseIgnoreRules(text: string, source: string): IgnoreRule[] {
  const rules: IgnoreRule[] = [];
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
    if (line.length * 3 > MAX_LINE && Buffer.byteLength(line) > MAX_LINE) {
      throw new ArtifactError('ignore', `line ${index + 1} of ${source} is longer than ${MAX_LINE} bytes`);
    }
    if (!line.startsWith('#') && line.trim() !== '') rules.push(compileRule(line));
  }
  return rules;
}

function compileRule(line: string): IgnoreRule {
  const includes = line.startsWith('!');
  let pattern = includes ? line.slice(1) : line;
  if (!pattern.endsWith('\\ ')) pattern = pattern.replace(/ +$/, '');
  const directoryOnly = pattern.endsWith('/');
  if (directoryOnly) pattern = pattern.slice(0, -1);
  return {
    includes,
    matches: pattern.includes('/') ? pathRule(pattern, directoryOnly) : nameRule(pattern, directoryOnly),
  };
}

/** Matches when any component does. */
function nameRule(pattern: string, directoryOnly: boolean): IgnoreRule['matches'] {
  const glob = compileGlob(pattern);
  return (path, directory) => {
    const last = directoryOnly && !directory ? path.length - 1 : path.length;
    for (let index = 0; index < last; index++) if (glob(path[index]!)) return true;
    return false;
  };
}

type Step = 'skip' | 'any-depth' | 'never' | Glob;

/** Matches component by component from the left; what is below a matched path is matched too. */
function pathRule(pattern: string, directoryOnly: boolean): IgnoreRule['matches'] {
  const steps: Step[] = pattern.split('/').map((part) => {
    if (part === '') return 'skip';
    if (part === ANY_DEPTH) return 'any-depth';
    return part.includes(ANY_DEPTH) ? 'never' : compileGlob(part);
  });
  // At the end it matches whatever is below what was matched, which needs no look.
  if (steps.at(-1) === 'any-depth') steps.pop();
  return (path, directory) => {
    let at = 0;
    let anyDepth = false;
    for (const step of steps) {
      if (step === 'never') return false;
      if (step === 'skip') anyDepth = false;
      else if (step === 'any-depth') anyDepth = true;
      else {
        // No way back: the first component that matches is taken.
        while (anyDepth && at < path.length && !step(path[at]!)) at++;
        if (at === path.length || !(anyDepth || step(path[at]!))) return false;
        anyDepth = false;
        at++;
      }
    }
    return at > 0 && !(directoryOnly && !directory && at === path.length);
  };
}

type Glob = (name: string) => boolean;

/** Most patterns are plain names or `*.ext`: those need no walk through the pattern. */
function compileGlob(pattern: string): Glob {
  if (!/[*?[\\]/.test(pattern)) return (name) => name === pattern;
  const ending = /^\*([^*?[\\]*)$/.exec(pattern)?.[1];
  if (ending !== undefined) return (name) => name.endsWith(ending);
  return (name) => matchesGlob(pattern, name);
}
