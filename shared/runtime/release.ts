/** The release that relay and functions tell each other (design section 2). */
import lt from 'semver/functions/lt.js';
import parse from 'semver/functions/parse.js';
import manifest from '../../package.json' with { type: 'json' };

export const RELEASE: string = manifest.version;

/**
 * Why a peer's release cannot work with ours; undefined when it can. One minor release of difference works, so that
 * functions and relay may be upgraded one after the other, in either order.
 * @param who how the message calls the peer, e.g. `the relay`
 */
export function releaseProblem(peer: string, who: string, own: string = RELEASE): string | undefined {
  const theirs = parse(peer);
  const ours = parse(own);
  if (!theirs || !ours) return `${who} tells no release: '${peer}'`;
  if (theirs.major === ours.major && Math.abs(theirs.minor - ours.minor) <= 1) return undefined;
  const older = lt(theirs, ours) ? who : 'this side';
  return `${who} is release ${peer}, this side ${own}: only one minor release apart works; upgrade ${older}`;
}
