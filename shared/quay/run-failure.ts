/** How a run that Quay or a Secret has failed ends (Quay 10.1, decisions "Creation"): what time or an operator repairs is retried. */
import { SecretConflictError } from '../kube/docker-config-secret.ts';
import type { Run, RunResult } from '../runtime/reconciler.ts';
import type { Availability } from './availability.ts';
import { QuayError } from './errors.ts';

const FAILURE_REASON = {
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
  result: RunResult & { result: 'retry' };
  /** Shown in the conditions at once, or only when it does not pass. */
  isShown: boolean;
  /** Also told in `status.message`. */
  message?: string;
}

/**
 * How a failed run ends; undefined: the failure is none of Quay or of a Secret, and it ends as every run does that throws.
 * @param report is told when Quay has not even been asked, for want of a token
 */
export function nameFailure(
  error: unknown,
  run: Pick<Run, 'request' | 'secrets'>,
  report: { quay: Availability },
): RunFailure | undefined {
  const retry = (reason: string, { message }: Error, retryAfterMs?: number): RunFailure['result'] => ({
    result: 'retry',
    reason,
    message: run.secrets.scrub(message),
    ...(retryAfterMs && { retryAfterMs }),
  });
  if (error instanceof SecretConflictError) {
    return { result: retry(FAILURE_REASON.secret, error, REPAIR_MS), isShown: true, message: error.message };
  }
  if (!(error instanceof QuayError) || error.kind === 'aborted') return undefined;
  if (error.kind === 'configuration') {
    report.quay.worked = false;
    return { result: retry(FAILURE_REASON.configuration, error, REPAIR_MS), isShown: true };
  }
  const { attempt } = run.request;
  const reason = error.isRefusal ? FAILURE_REASON.refused : FAILURE_REASON.unavailable;
  // A wait that Quay asks for is the least: what fails again and again backs off.
  const retryAfterMs = attempt === 0 ? error.retryAfterMs : undefined;
  return { result: retry(reason, error, retryAfterMs), isShown: attempt + 1 >= SHOWN_FROM };
}
