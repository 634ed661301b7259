/** Shell globs of pull secrets (IR-KEY-4) and ignore rules (OCI 14.3): `*`, `?`, `[a-z]`, `[^a-z]`, `\x`. */

/** Tests one character; `next` is the position after the element in the pattern. */
interface Element {
  matches(character: string): boolean;
  next: number;
}

/**
 * Whether the whole of `text` matches. A pattern that is none (an open bracket) matches nothing.
 * Takes at most pattern length × text length steps, whatever the pattern.
 */
export function matchesGlob(pattern: string, text: string): boolean {
  return matchesAll(charactersOf(pattern), charactersOf(text));
}

/** Characters by position: a string itself, but where one character takes two of its units. */
type Characters = ArrayLike<string>;

function charactersOf(text: string): Characters {
  return /[\ud800-\udfff]/.test(text) ? [...text] : text;
}

function matchesAll(pattern: Characters, text: Characters): boolean {
  let p = 0;
  let t = 0;
  let star = -1;
  let starText = 0;
  while (t < text.length || pattern[p] === '*') {
    if (pattern[p] === '*') {
      star = p++;
      starText = t;
      continue;
    }
    const element = p < pattern.length ? elementAt(pattern, p) : undefined;
    if (element?.matches(text[t]!)) {
      p = element.next;
      t++;
    } else if (star >= 0 && starText < text.length) {
      p = star + 1;
      t = ++starText;
    } else return false;
  }
  return p === pattern.length;
}

function elementAt(pattern: Characters, at: number): Element | undefined {
  const character = pattern[at]!;
  if (character === '?') return { matches: () => true, next: at + 1 };
  if (character === '[') return classAt(pattern, at + 1);
  const escaped = character === '\\' ? pattern[at + 1] : character;
  if (escaped === undefined) return undefined;
  return { matches: (other) => other === escaped, next: character === '\\' ? at + 2 : at + 1 };
}

/** A class. A bare `]` or `-` cannot be a member: such a pattern is none. */
function classAt(pattern: Characters, start: number): Element | undefined {
  const negated = pattern[start] === '^';
  const ranges: [string, string][] = [];
  let at = negated ? start + 1 : start;
  while (pattern[at] !== ']' || ranges.length === 0) {
    const low = memberAt(pattern, at);
    if (!low) return undefined;
    const high = pattern[low.next] === '-' ? memberAt(pattern, low.next + 1) : low;
    if (!high) return undefined;
    ranges.push([low.character, high.character]);
    at = high.next;
  }
  const within = (character: string) => ranges.some(([low, high]) => low <= character && character <= high);
  return { matches: (character) => within(character) !== negated, next: at + 1 };
}

function memberAt(pattern: Characters, at: number): { character: string; next: number } | undefined {
  const escaped = pattern[at] === '\\';
  const character = pattern[escaped ? at + 1 : at];
  if (character === undefined || (!escaped && (character === ']' || character === '-'))) return undefined;
  return { character, next: escaped ? at + 2 : at + 1 };
}
