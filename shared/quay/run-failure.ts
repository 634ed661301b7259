/** How a run that Quay or a Secret has failed ends (Quay 10.1, decisions "Creation"): what time or an operator repairs is retried. */
import { SecretConflictError } from '../kube/docker-config-secret.ts';
import { messageOf, RetryError } from '../runtime/errors.ts';
import { QuayError } from './errors.ts';

export const FAILURE_REASON = {
  /** Passes by itself. */
  unavailable: 'RegistryUnavailable',
  /** An operator repairs it: token, organization, rights, address. */
  configuration: 'RegistryConfiguration',
  /** Quay does not accept what was asked, in a step that has no message of its own. */
  refused: 'RegistryRefused',
  /** A Secret of somebody else has the name of ours. */
  secret: 'SecretConflict',
} as const;

/** What an operator or a person has to repair is looked at again after this. */
const REPAIR_MS = 5 * 60_000;

/** Failures before a passing one is shown. */
const SHOWN_FROM = 3;

export interface RunFailure {
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
export function nameFailure(error: unknown, attempt: number): RunFailure | undefined {
  if (error instanceof SecretConflictError) {
    return { error: retry(FAILURE_REASON.secret, error, REPAIR_MS), isShown: true, message: error.message };
  }
  if (!(error instanceof QuayError) || error.kind === 'aborted') return undefined;
  if (error.kind === 'configuration') {
    return { error: retry(FAILURE_REASON.configuration, error, REPAIR_MS), isShown: true };
  }
  const reason = error.kind === 'refused' ? FAILURE_REASON.refused : FAILURE_REASON.unavailable;
  // A wait that Quay asks for is the least: what fails again and again backs off.
  const retryAfterMs = attempt === 0 ? error.retryAfterMs : undefined;
  return { error: retry(reason, error, retryAfterMs), isShown: attempt + 1 >= SHOWN_FROM };
}

function retry(reason: string, cause: Error, retryAfterMs: number | undefined): RetryError {
  return new RetryError(reason, messageOf(cause), { cause, retryAfterMs });
}
