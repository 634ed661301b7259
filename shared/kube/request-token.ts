/** The request token (IR-REC-3, OCI 20): any other value than the one that was handled is a request. */
import { type KubeObject, REQUEST_ANNOTATION, type ReconcileStatus } from './resource.ts';

/** What a request token needs of an object. */
type Requestable = KubeObject<unknown, ReconcileStatus>;

/** The token that this object carries; undefined when it carries none. An empty one is none. */
export function requestToken(object: Requestable): string | undefined {
  return object.metadata.annotations?.[REQUEST_ANNOTATION] || undefined;
}

/** The token waits for an answer. */
export function isPending(object: Requestable): boolean {
  const token = requestToken(object);
  return token !== undefined && token !== object.status?.lastHandledReconcileAt;
}

/**
 * A status and the answer to the request that the object carried: all that a suspended one gets (IR-REC-8).
 * @param object as the run read it; a request that comes later waits for its own run
 */
export function withAnswer<S extends ReconcileStatus>(object: Requestable, status: S | undefined): S {
  return { ...status, ...(isPending(object) && { lastHandledReconcileAt: requestToken(object) }) } as S;
}
