/** Shell globs as the keys of pull secrets use them (IR-KEY-4): `*`, `?`, `[a-z]`, `[^a-z]`, `\x`. */

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

function elementAt(pattern: string, at: number): Element | undefined {
  const character = pattern[at]!;
  if (character === '?') return { matches: () => true, next: at + 1 };
  if (character === '[') return classAt(pattern, at + 1);
  const escaped = character === '\\' ? pattern[at + 1] : character;
  if (escaped === undefined) return undefined;
  return { matches: (other) => other === escaped, next: character === '\\' ? at + 2 : at + 1 };
}

function classAt(pattern: string, start: number): Element | undefined {
  const negated = pattern[start] === '^';
  const ranges: [string, string][] = [];
  let at = negated ? start + 1 : start;
  while (at < pattern.length && (pattern[at] !== ']' || ranges.length === 0)) {
    const low = pattern[at]!;
    const high = pattern[at + 1] === '-' ? pattern[at + 2] : low;
    if (high === undefined) return undefined;
    ranges.push([low, high]);
    at += pattern[at + 1] === '-' ? 3 : 1;
  }
  if (pattern[at] !== ']') return undefined;
  const within = (character: string) => ranges.some(([low, high]) => low <= character && character <= high);
  return { matches: (character) => within(character) !== negated, next: at + 1 };
}
