/** How far apart relay and functions may be (design section 2). */
import lt from 'semver/functions/lt.js';
import parse from 'semver/functions/parse.js';
import { RELEASE } from './release.ts';

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
