/** The annotation with which people ask for a run (IR-REC-3). Its value is opaque: any other value is a request. */
import type { ImageRepository } from '../../shared/api/image-repository.ts';
import type { ReconcileRequest } from '../../shared/runtime/contract.ts';

const REQUESTED_AT = 'reconcile.fluxcd.io/requestedAt';

/** The token that this object carries; undefined when it carries none. An empty one is none. */
export function requestToken(object: ImageRepository): string | undefined {
  return object.metadata.annotations?.[REQUESTED_AT] || undefined;
}

/** The token waits for an answer. */
export function isPending(object: ImageRepository): boolean {
  const token = requestToken(object);
  return token !== undefined && token !== object.status?.lastHandledReconcileAt;
}

/**
 * A scan was asked for and has not succeeded since. The status forgets a request with the first run that answers it,
 * whatever came of it; the relay does not: it keeps the trigger until a run succeeded (IR-REPO-9).
 */
export function isScanRequested(object: ImageRepository, request: ReconcileRequest): boolean {
  return isPending(object) || (request.trigger === 'requested' && request.attempt > 0);
}
