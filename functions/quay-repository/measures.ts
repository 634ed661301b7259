/** The figures of a run that the relay adds up, under the names of the original (spec 15). */
import type { Measure } from '../../shared/runtime/contract.ts';
import type { Site } from './site.ts';

const PREFIX = 'redhat_appstudio_imagecontroller';

/** Seconds from the wish for a repository to its end, well or failed. */
export function provisionTime(end: 'done' | 'failed', { run, report }: Site): Measure {
  const name = end === 'done' ? 'image_repository_provision_time' : 'image_repository_provision_failure_time';
  const seconds = Math.max(0, run.clock.now() - report.waitingSince) / 1000;
  return { name: `${PREFIX}_${name}`, value: seconds };
}

/** Whether Quay did what it was asked. */
export function registryAvailable(available: boolean): Measure {
  return { name: `${PREFIX}_global_quay_app_available`, value: available ? 1 : 0 };
}
