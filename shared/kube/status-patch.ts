/** The one status write of a run: only what differs, and only over what was read (design section 4, IR-REC-16, IR-REC-17). */
import { isDeepStrictEqual } from 'node:util';
import { messageOf, RetryError } from '../runtime/errors.ts';
import type { Logger } from '../runtime/logger.ts';
import type { KubeClient } from './client.ts';
import { OWNED_CONDITIONS } from './conditions.ts';
import { isConflict, isNotFound } from './errors.ts';
import { applyMergePatch, changesOnly, type JsonObject, mergePatch } from './merge-patch.ts';
import type { Condition, KubeObject, ReconcileStatus, Resource } from './resource.ts';

export interface StatusPatch<T extends KubeObject> {
  kube: KubeClient;
  resource: Resource;
  /** The object as it was read. */
  object: T;
  /** The whole status that it shall have; a member that is missing or undefined is removed. */
  status: NonNullable<T['status']>;
  /** Condition types that are ours; those of others are kept as they are found. */
  owned?: readonly string[];
  /**
   * Fields (`checksum`, `artifact.checksum`) that are never a reason to write by themselves: the CRD of another release
   * may prune them, and then they would be missing again at every run (decisions 3, IR-API-3).
   */
  additive?: readonly string[];
}

/**
 * Patches the status sub-resource with what differs between `object.status` and `status`; nothing differs: no request.
 * The patch carries the resource version that was read. When somebody else wrote meanwhile, the object is read again and
 * the same change applied once more, unless another run has written what it changes: that state is the newer one.
 * @returns the object as it is stored now; undefined when it, or the object of that uid, is gone
 * @throws RetryError `Conflict` after the second conflict, or when another run was there; KubeError when the server refuses or cannot be reached
 */
export async function patchStatus<T extends KubeObject>(
  request: StatusPatch<T>,
  signal: AbortSignal,
): Promise<T | undefined> {
  const { kube, resource, object, status } = request;
  const { namespace, name, uid } = object.metadata;
  const change = changeOf(object, status, request);
  if (!change) return object;
  try {
    try {
      return await write(request, object, change, signal);
    } catch (error) {
      if (!isConflict(error)) throw error;
    }
    const fresh = await kube.get<T>(resource, { namespace, name }, signal);
    if (fresh?.metadata.uid !== uid) return undefined;
    const again = changeOf(fresh, rebased(fresh, change, request.owned), request);
    if (!again) return fresh;
    if (isOvertaken(request, fresh, change)) {
      throw new RetryError(
        'Conflict',
        `another run of ${namespace}/${name} has written its status meanwhile`,
      );
    }
    return await write(request, fresh, again, signal);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    if (isConflict(error)) throw new RetryError('Conflict', messageOf(error), { cause: error });
    throw error;
  }
}

/**
 * The progress patch of a run: its conditions, nothing else. That it failed is logged, no more (decisions 3).
 * @returns the object as it is stored now; undefined when it is gone or could not be written
 */
export async function patchConditions<T extends KubeObject<unknown, ReconcileStatus>>(
  request: Omit<StatusPatch<T>, 'status'>,
  conditions: Condition[],
  log: Pick<Logger, 'error'>,
  signal: AbortSignal,
): Promise<T | undefined> {
  try {
    const status = { ...request.object.status, conditions } as NonNullable<T['status']>;
    return await patchStatus({ ...request, status }, signal);
  } catch (error) {
    log.error('the progress could not be shown', { error });
    return undefined;
  }
}

function changeOf<T extends KubeObject>(
  object: T,
  status: unknown,
  { additive = [] }: StatusPatch<T>,
): JsonObject | undefined {
  const change = mergePatch(object.status, status as JsonObject);
  return change && changesOnly(change, additive) ? undefined : change;
}

function write<T extends KubeObject>(
  { kube, resource }: StatusPatch<T>,
  object: T,
  status: JsonObject,
  signal: AbortSignal,
): Promise<T> {
  const { namespace, name, resourceVersion } = object.metadata;
  const body = { metadata: { resourceVersion }, status };
  return kube.patch<T>(resource, { namespace, name, subresource: 'status' }, body, signal);
}

/** What the change is about is not as it was when this run read it: an invocation may outlive the relay that made it. */
function isOvertaken<T extends KubeObject>(
  { object, owned = OWNED_CONDITIONS }: StatusPatch<T>,
  fresh: T,
  change: JsonObject,
): boolean {
  const before = (object.status ?? {}) as JsonObject;
  const now = (fresh.status ?? {}) as JsonObject;
  const ours = (conditions: unknown) =>
    ((conditions ?? []) as Condition[]).filter(({ type }) => owned.includes(type));
  return Object.keys(change).some((name) =>
    name === 'conditions'
      ? !isDeepStrictEqual(ours(before[name]), ours(now[name]))
      : !isDeepStrictEqual(before[name], now[name]),
  );
}

/** Our change on top of what others wrote: of the conditions only ours, because a list is replaced as a whole. */
function rebased(
  fresh: KubeObject,
  change: JsonObject,
  owned: readonly string[] = OWNED_CONDITIONS,
): JsonObject {
  const status = applyMergePatch(fresh.status, change);
  if (!Array.isArray(change.conditions)) return status;
  const ours = (change.conditions as Condition[]).filter(({ type }) => owned.includes(type));
  const stored = (fresh.status as { conditions?: Condition[] } | undefined)?.conditions ?? [];
  return { ...status, conditions: [...ours, ...stored.filter(({ type }) => !owned.includes(type))] };
}
