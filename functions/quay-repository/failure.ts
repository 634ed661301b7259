/** From what went wrong to what object and relay are told (spec 10.1, decisions "Creation"). */
import { SecretConflictError } from '../../shared/kube/docker-config-secret.ts';
import { QuayError } from '../../shared/quay/errors.ts';
import { messageOf, RetryError } from '../../shared/runtime/errors.ts';
import { REASON } from './reasons.ts';

/** What an operator or a person has to repair is looked at again after this. */
const REPAIR_MS = 5 * 60_000;

/** Failures before a passing one is shown. */
const SHOWN_FROM = 3;

export interface NamedFailure {
  error: RetryError;
  /** Shown in the conditions at once, or only when it does not pass. */
  isShown: boolean;
  /** Also told in `status.message`. */
  message?: string;
}

/**
 * The name of a failure; undefined: it is none of Quay or of a Secret, and the run ends as every run does that throws.
 * @param attempt failed runs before this one
 */
export function nameFailure(error: unknown, attempt: number): NamedFailure | undefined {
  if (error instanceof SecretConflictError) {
    const { message } = error;
    return { error: retry(REASON.secret, error, REPAIR_MS), isShown: true, message };
  }
  if (!(error instanceof QuayError) || error.kind === 'aborted') return undefined;
  if (error.kind === 'configuration') {
    return { error: retry(REASON.configuration, error, REPAIR_MS), isShown: true };
  }
  const isLasting = attempt + 1 >= SHOWN_FROM;
  const reason = error.kind === 'refused' ? REASON.refused : REASON.unavailable;
  // A wait that Quay asked for is the least: what fails again and again backs off.
  return { error: retry(reason, error, attempt === 0 ? error.retryAfterMs : undefined), isShown: isLasting };
}

function retry(reason: string, cause: Error, retryAfterMs: number | undefined): RetryError {
  return new RetryError(reason, messageOf(cause), { cause, retryAfterMs });
}
