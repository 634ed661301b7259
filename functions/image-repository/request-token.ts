/** The request token (IR-REC-3): any other value than the one that was handled is a request. */
import type { ImageRepository } from '../../shared/api/image-repository.ts';
import { REQUEST_ANNOTATION } from '../../shared/kube/resource.ts';
import type { ReconcileRequest } from '../../shared/runtime/contract.ts';

/** The token that this object carries; undefined when it carries none. An empty one is none. */
export function requestToken(object: ImageRepository): string | undefined {
  return object.metadata.annotations?.[REQUEST_ANNOTATION] || undefined;
}

/** The token waits for an answer. */
export function isPending(object: ImageRepository): boolean {
  const token = requestToken(object);
  return token !== undefined && token !== object.status?.lastHandledReconcileAt;
}

/**
 * A scan was asked for and has not succeeded since. The status forgets a request with the first run that answers it,
 * whatever came of it; the relay does not: its retries keep the trigger (IR-REPO-9).
 */
export function isScanRequested(object: ImageRepository, request: ReconcileRequest): boolean {
  return isPending(object) || (request.trigger === 'requested' && request.attempt > 0);
}
