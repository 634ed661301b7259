/** Reasons and messages of what goes wrong in a step (5.1, 5.7). */
import { ImageNameError } from '../../shared/oci/image-name.ts';
import { messageOf, StalledError } from '../../shared/runtime/errors.ts';
import type { Step } from '../../shared/runtime/failure.ts';

export const REASON = {
  succeeded: 'Succeeded',
  image: 'ImageURLInvalid',
  /** A field that no API server with our schema lets through: only foreign CRDs do. */
  spec: 'InvalidSpec',
  access: 'AuthenticationFailed',
  due: 'Failure',
  scan: 'ReadOperationFailed',
} as const;

/** The steps of 5.1 that may pass by themselves. */
export const STEP = {
  access: { reason: REASON.access, prefix: 'failed to configure authentication options: ' },
  due: { reason: REASON.due, prefix: "failed to determine if it's scan time: " },
  scan: { reason: REASON.scan, prefix: 'scan failed: ' },
} as const satisfies Record<string, Step>;

/** The value of a text in the spec. @throws StalledError with reason and cause: a retry reads the same text */
export function readSpec<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new StalledError(error instanceof ImageNameError ? REASON.image : REASON.spec, messageOf(error));
  }
}
