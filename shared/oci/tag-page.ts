/** Pages of a tag list (IR-REG-4). */
import { RegistryError } from './errors.ts';
import { describe } from './http-exchange.ts';

/** The request that a page answers, for messages. */
type Asked = { method: string; url: URL };

/**
 * The tags of one page: `{"tags": ["1.0", …]}`; null or no member is none (IR-REPO-12). Checked by hand: a schema
 * would cost more than everything else that happens to a page of 1,000 tags.
 * @throws RegistryError code `malformed`
 */
export function readTags(page: unknown, asked: Asked): string[] {
  const tags =
    typeof page === 'object' && page !== null && !Array.isArray(page)
      ? (page as { tags?: unknown }).tags
      : page;
  if (tags !== page && (tags === undefined || tags === null)) return [];
  if (!Array.isArray(tags) || tags === page) throw malformed(asked, 'expected an object with a list of tags');
  for (const tag of tags) if (typeof tag !== 'string') throw malformed(asked, 'a tag is no text');
  return tags as string[];
}

/** Anything that can be stored and shown as a tag; registries accept less. */
const TAG = /^[\x21-\x7e]{1,128}$/;

/** Whether a text can be the name of a tag: not empty, at most 128 visible ASCII characters. */
export function isTag(text: string): boolean {
  return TAG.test(text);
}

/**
 * Path and query of the next page, on the origin of this one; undefined on the last one.
 * @param link header `Link`; @param current address of the page that carried it: where redirects led to, if there were any
 * @throws RegistryError code `redirect` when the link leaves the origin, `malformed` when it is none
 */
export function nextPage(link: string | undefined, current: URL, asked: Asked): string | undefined {
  if (!link) return undefined;
  const match = /^\s*<([^>]*)>/.exec(link);
  if (!match) throw malformed(asked, 'the Link header does not start with <');
  if (match[1] === '') return undefined;
  const next = URL.parse(match[1]!, current.href);
  if (!next) throw malformed(asked, 'the Link header holds no address');
  if (!sameOrigin(next, current)) {
    throw new RegistryError(
      'redirect',
      `${describe(asked)}: the next page is on another origin (${next.origin}): refused`,
    );
  }
  return next.pathname + next.search;
}

/** Two frequent mistakes of registries behind proxies are repaired: the port left out, http instead of https. */
function sameOrigin(next: URL, current: URL): boolean {
  const repaired = next.protocol === 'http:' && current.protocol === 'https:';
  if (next.hostname !== current.hostname || (next.protocol !== current.protocol && !repaired)) return false;
  return next.port === '' || next.port === current.port;
}

function malformed(asked: Asked, text: string): RegistryError {
  return new RegistryError('malformed', `${describe(asked)}: ${text}`);
}
