/** Whether Quay does what it is asked, as the relay's metrics show it (Quay 15). */
import type { Measure } from '../runtime/contract.ts';

/** What a run learnt of it; undefined: it asked nothing. The last request counts, because repeats come after failures. */
export interface Availability {
  worked: boolean | undefined;
}

export function availabilityMeasures({ worked }: Availability): Measure[] {
  if (worked === undefined) return [];
  return [{ name: 'redhat_appstudio_imagecontroller_global_quay_app_available', value: worked ? 1 : 0 }];
}
