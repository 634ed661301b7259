/** Finalizers, patched on the object itself (IR-REC-16). The list is replaced as a whole, so the patch is guarded. */
import { messageOf, RetryError } from '../runtime/errors.ts';
import type { KubeClient } from './client.ts';
import { isConflict, isNotFound, KubeError } from './errors.ts';
import type { KubeObject, Resource } from './resource.ts';

/**
 * Adds a finalizer. It is there already: no request.
 * @returns the object as it is stored now; the one that was read again, without the finalizer, when it is being deleted
 * @throws RetryError `Conflict` when others keep writing; KubeError, 404 when it is gone
 */
export async function addFinalizer<T extends KubeObject>(
  kube: KubeClient,
  resource: Resource,
  object: T,
  finalizer: string,
  signal: AbortSignal,
): Promise<T> {
  const added = (current: T) => {
    const finalizers = current.metadata.finalizers ?? [];
    const late = finalizers.includes(finalizer) || current.metadata.deletionTimestamp !== undefined;
    return late ? undefined : [...finalizers, finalizer];
  };
  const stored = await patchFinalizers(kube, resource, object, added, signal);
  if (stored) return stored;
  const { namespace, name } = object.metadata;
  throw new KubeError(`${resource.plural} ${namespace}/${name} is gone`, { status: 404, reason: 'NotFound' });
}

/**
 * Removes a finalizer, which lets a deleted object go. It is not there, or the object is gone: fine (IR-REC-6).
 * @returns the object as the server answered it; undefined when it was gone before
 * @throws RetryError `Conflict` when others keep writing; KubeError
 */
export async function removeFinalizer<T extends KubeObject>(
  kube: KubeClient,
  resource: Resource,
  object: T,
  finalizer: string,
  signal: AbortSignal,
): Promise<T | undefined> {
  const removed = (current: T) => {
    const finalizers = current.metadata.finalizers ?? [];
    return finalizers.includes(finalizer) ? finalizers.filter((name) => name !== finalizer) : undefined;
  };
  try {
    return await patchFinalizers(kube, resource, object, removed, signal);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** @param change the new list; undefined: nothing to do */
async function patchFinalizers<T extends KubeObject>(
  kube: KubeClient,
  resource: Resource,
  object: T,
  change: (current: T) => string[] | undefined,
  signal: AbortSignal,
): Promise<T | undefined> {
  const { namespace, name, uid } = object.metadata;
  const write = async (current: T): Promise<T> => {
    const finalizers = change(current);
    if (!finalizers) return current;
    const { resourceVersion } = current.metadata;
    return kube.patch<T>(
      resource,
      { namespace, name },
      { metadata: { resourceVersion, finalizers } },
      signal,
    );
  };
  try {
    return await write(object);
  } catch (error) {
    if (!isConflict(error)) throw error;
  }
  const fresh = await kube.get<T>(resource, { namespace, name }, signal);
  if (fresh?.metadata.uid !== uid) return undefined;
  try {
    return await write(fresh);
  } catch (error) {
    if (isConflict(error)) throw new RetryError('Conflict', messageOf(error), { cause: error });
    throw error;
  }
}
