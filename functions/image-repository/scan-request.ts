/** Whether a person asked for a scan (IR-REPO-9). */
import type { ImageRepository } from '../../shared/api/image-repository.ts';
import { isPending } from '../../shared/kube/request-token.ts';
import type { ReconcileRequest } from '../../shared/runtime/contract.ts';

/**
 * A scan was asked for and has not succeeded since. The status forgets a request with the first run that answers it,
 * whatever came of it; the relay does not: its retries keep the trigger.
 */
export function isScanRequested(object: ImageRepository, request: ReconcileRequest): boolean {
  return isPending(object) || (request.trigger === 'requested' && request.attempt > 0);
}
