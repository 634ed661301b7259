/** How we present ourselves (IR-REG-10). */
import { RELEASE } from '../runtime/release.ts';

export const CLIENT_ID = 'longshore';
export const USER_AGENT = `longshore/${RELEASE}`;
