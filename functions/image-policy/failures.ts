/** Reasons and messages of what goes wrong in a step (8.2, 8.9). */
import type { Step } from '../../shared/runtime/failure.ts';

export const REASON = {
  succeeded: 'Succeeded',
  interval: 'IntervalNotConfigured',
  denied: 'AccessDenied',
  dependency: 'DependencyNotReady',
  image: 'ImageURLInvalid',
  policy: 'InvalidPolicy',
  evaluation: 'Failure',
} as const;

/** What the messages of step 3 begin with, whatever is wrong with the repository. */
export const REPOSITORY_PREFIX = 'failed to get the referred ImageRepository: ';

/** The steps of 8.2 that may pass by themselves. */
export const STEP = {
  repository: { reason: 'Failure', prefix: REPOSITORY_PREFIX },
  tags: { reason: 'Failure', prefix: 'failed to read tags from database: ' },
} as const satisfies Record<string, Step>;

/** The look at the digest of a tag. */
export function digestStep(name: string, tag: string): Step {
  return { reason: 'Failed', prefix: `failed fetching digest of ${name}:${tag}: ` };
}
