/** The header `WWW-Authenticate` (RFC 9110, 11.6.1; IR-REG-1). */

export type Challenge =
  | { scheme: 'basic' }
  | { scheme: 'bearer'; realm: string; service: string | undefined };

/** What the header names, scheme by scheme. Schemes and parameter names in lower case. */
interface Named {
  scheme: string;
  parameters: Map<string, string>;
}

const TOKEN = /[A-Za-z0-9!#$%&'*+.^_`|~-]+/y;
const QUOTED = /"((?:[^"\\]|\\.)*)"/y;
const LONGEST = 8192;

/**
 * The first challenge that we can meet: Basic, or Bearer with a realm. Others (Negotiate, Digest) are skipped.
 * @param header several headers joined by a comma, as Node gives them
 * @returns undefined when there is none, or the header cannot be read
 */
export function parseChallenge(header: string | undefined): Challenge | undefined {
  if (!header || header.length > LONGEST) return undefined;
  for (const { scheme, parameters } of readChallenges(header)) {
    const realm = parameters.get('realm');
    if (scheme === 'basic') return { scheme };
    if (scheme === 'bearer' && realm) return { scheme, realm, service: parameters.get('service') };
  }
  return undefined;
}

/** A word followed by `=` is a parameter of the scheme before it; any other word starts a scheme. */
function readChallenges(header: string): Named[] {
  const found: Named[] = [];
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | undefined => {
    pattern.lastIndex = at;
    const match = pattern.exec(header) ?? undefined;
    if (match) at = pattern.lastIndex;
    return match;
  };
  const skip = (characters: string) => {
    while (at < header.length && characters.includes(header[at]!)) at++;
  };
  for (skip(' \t,'); at < header.length; skip(' \t,')) {
    const word = take(TOKEN)?.[0];
    if (word === undefined) return found;
    skip(' \t');
    if (header[at] !== '=') {
      found.push({ scheme: word.toLowerCase(), parameters: new Map() });
      continue;
    }
    at++;
    skip(' \t=');
    const quoted = take(QUOTED)?.[1]?.replace(/\\(.)/g, '$1');
    const value = quoted ?? take(TOKEN)?.[0] ?? '';
    found.at(-1)?.parameters.set(word.toLowerCase(), value);
  }
  return found;
}
