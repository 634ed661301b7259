/** The figures of a run that the relay adds up, under the names of the original (spec 15). */
import type { Measure } from '../../shared/runtime/contract.ts';
import type { Site } from './site.ts';

const PREFIX = 'redhat_appstudio_imagecontroller_image_repository';

/** Seconds from the wish for a repository to its end, well or failed. */
export function provisionTime(end: 'done' | 'failed', { run, report }: Site): Measure {
  const name = end === 'done' ? 'provision_time' : 'provision_failure_time';
  const seconds = Math.max(0, run.clock.now() - report.waitingSince) / 1000;
  return { name: `${PREFIX}_${name}`, value: seconds };
}
