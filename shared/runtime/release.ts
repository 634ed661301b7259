/** The release that relay and functions tell each other (design section 2); `release-skew.ts` compares two. */
import manifest from '../../package.json' with { type: 'json' };

export const RELEASE: string = manifest.version;
