/** From what went wrong in a step to what the object shows: reason and message of 5.1 and 5.7. */
import { RegistryError } from '../../shared/oci/errors.ts';
import { ImageNameError } from '../../shared/oci/image-name.ts';
import { messageOf, RetryError, StalledError } from '../../shared/runtime/errors.ts';
import { TimeoutError } from './timeout.ts';

export const REASON = {
  succeeded: 'Succeeded',
  gate: 'FeatureGateDisabled',
  image: 'ImageURLInvalid',
  /** A field that no API server with our schema lets through: only foreign CRDs do. */
  spec: 'InvalidSpec',
  access: 'AuthenticationFailed',
  due: 'Failure',
  scan: 'ReadOperationFailed',
} as const;

/** The steps of 5.1 that may pass by themselves, and how their messages begin. */
const STEPS = {
  access: { reason: REASON.access, prefix: 'failed to configure authentication options: ' },
  due: { reason: REASON.due, prefix: "failed to determine if it's scan time: " },
  scan: { reason: REASON.scan, prefix: 'scan failed: ' },
} as const;

/**
 * Runs one step of the ladder under its name.
 * @param signal of the object's timeout: a step that it ended says so
 * @throws RetryError with the step's reason and prefix; when the run itself was stopped, its reason as it is
 */
export async function inStep<T>(
  step: keyof typeof STEPS,
  signal: AbortSignal,
  work: () => T | Promise<T>,
): Promise<T> {
  const { reason, prefix } = STEPS[step];
  try {
    return await work();
  } catch (error) {
    if (!signal.aborted) {
      const retryAfterMs = error instanceof RegistryError ? error.postponedMs : undefined;
      throw new RetryError(reason, `${prefix}${messageOf(error)}`, { cause: error, retryAfterMs });
    }
    if (!(signal.reason instanceof TimeoutError)) throw signal.reason;
    throw new RetryError(reason, `${prefix}${messageOf(signal.reason)}`, { cause: error });
  }
}

/** The value of a text in the spec. @throws StalledError with reason and cause: a retry reads the same text */
export function readSpec<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new StalledError(error instanceof ImageNameError ? REASON.image : REASON.spec, messageOf(error));
  }
}
