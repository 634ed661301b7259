/** How the object itself is written: guarded where a list or a name is at stake, or only what was asked for. */
import type {
  QuayImageRepository,
  QuayImageRepositoryStatus,
} from '../../shared/api/quay-image-repository.ts';
import { progressing, stalled, succeeded } from '../../shared/kube/conditions.ts';
import { isNotFound } from '../../shared/kube/errors.ts';
import { withAnswer } from '../../shared/kube/request-token.ts';
import type { Condition } from '../../shared/kube/resource.ts';
import { patchStatus } from '../../shared/kube/status-patch.ts';
import { FINAL_STATES, REASON } from './reasons.ts';
import type { Desk } from './site.ts';

/** The object went while we worked on it: nothing is left to be done for it. */
export class GoneError extends Error {
  constructor() {
    super('the object is gone');
    this.name = 'GoneError';
  }
}

export interface Edit {
  metadata?: Record<string, unknown>;
  spec?: Record<string, unknown>;
}

/**
 * A merge patch of the object.
 * @param guard refuse when somebody wrote since the object was read: needed for lists, which are replaced as a whole
 * @throws KubeError `Conflict` when guarded; GoneError
 */
export async function editObject(
  { run, resource, report }: Desk,
  object: QuayImageRepository,
  { metadata, spec }: Edit,
  { guard }: { guard: boolean },
): Promise<QuayImageRepository> {
  const { namespace, name, uid, resourceVersion } = object.metadata;
  const body = {
    // The uid keeps the edit from a successor of the same name.
    metadata: { ...metadata, uid, ...(guard && { resourceVersion }) },
    ...(spec && { spec }),
  };
  report.object = await orGone(() =>
    run.kube.patch<QuayImageRepository>(resource, { namespace, name }, body, run.signal),
  );
  return report.object;
}

/**
 * A status write that no other may come between: names that are about to be used.
 * @throws KubeError `Conflict`; GoneError
 */
export async function writeStatusAhead(
  { run, resource, report }: Desk,
  object: QuayImageRepository,
  status: QuayImageRepositoryStatus,
): Promise<QuayImageRepository> {
  const { namespace, name, resourceVersion } = object.metadata;
  const body = { metadata: { resourceVersion }, status };
  const ref = { namespace, name, subresource: 'status' };
  report.object = await orGone(() => run.kube.patch<QuayImageRepository>(resource, ref, body, run.signal));
  return report.object;
}

/**
 * Gives the status these members (undefined: removed), and the conditions and the generation that belong to it. Nothing
 * differs: no request.
 * @param generation that the object has when everything is written, where that is not the present one
 * @throws GoneError; RetryError `Conflict` when others keep writing
 */
export async function writeStatus(
  { run, resource, report }: Desk,
  object: QuayImageRepository,
  change: Partial<QuayImageRepositoryStatus>,
  generation = object.metadata.generation ?? 0,
): Promise<QuayImageRepository> {
  const status = completed(withAnswer(object, { ...object.status, ...change }), generation, run.clock.now());
  const stored = await patchStatus({ kube: run.kube, resource, object, status }, run.signal);
  if (!stored) throw new GoneError();
  report.object = stored;
  return stored;
}

/** Conditions beside the state (decisions "Conditions beside the state"). */
export function completed(
  status: QuayImageRepositoryStatus,
  generation: number,
  now: number,
): QuayImageRepositoryStatus {
  const { state, message = '' } = status;
  const conditions = status.conditions as Condition[] | undefined;
  const final = FINAL_STATES[state ?? ''];
  if (final) {
    const picture = { reason: final, message, generation };
    return { ...status, conditions: stalled(conditions, picture, now), observedGeneration: generation };
  }
  if (state === 'ready') {
    const picture = { reason: REASON.ready, message: message || readyText(status), generation };
    return { ...status, conditions: succeeded(conditions, picture, now), observedGeneration: generation };
  }
  const reason = message ? REASON.waiting : REASON.provisioning;
  const picture = { reason, message: message || 'the image repository is being provided', generation };
  return { ...status, conditions: progressing(conditions, { ...picture, ready: 'unknown' }, now) };
}

function readyText({ image }: QuayImageRepositoryStatus): string {
  return `image repository ${image?.url ?? ''} is ready for use`;
}

async function orGone<T>(write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    if (isNotFound(error)) throw new GoneError();
    throw error;
  }
}
