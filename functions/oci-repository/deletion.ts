/** The end of an object (20.4), and the run that comes home to find its object gone. */
import { OCI_REPOSITORY, type OciRepository } from '../../shared/api/oci-repository.ts';
import { removeFinalizer } from '../../shared/kube/finalizer.ts';
import { messageOf, RetryError } from '../../shared/runtime/errors.ts';
import type { RunResult } from '../../shared/runtime/reconciler.ts';
import { tell } from './events.ts';
import { REASON } from './failures.ts';
import { writeStatus } from './status.ts';
import type { Target } from './target.ts';

/**
 * Deletes every file of the object, then lets it go. Finalizers of others keep it: then it shows no artifact any more.
 * @throws RetryError when files cannot be deleted: the finalizer stays
 */
export async function finishDeletion(target: Target, object: OciRepository): Promise<RunResult> {
  const { run, resource, artifacts } = target;
  const count = await artifacts.removeAll(run.signal).catch(async (error: unknown) => {
    const message = `garbage collection for deleted resource failed: ${messageOf(error)}`;
    await tell(run, object, { type: 'Warning', reason: REASON.collection, message });
    throw new RetryError(REASON.collection, message, { cause: error });
  });
  if (count > 0) {
    const message = 'garbage collected artifacts for deleted resource';
    await tell(run, object, { type: 'Normal', reason: 'GarbageCollectionSucceeded', message });
  }
  const { finalizers = [] } = object.metadata;
  const { finalizer } = OCI_REPOSITORY;
  const stays = finalizers.some((each) => each !== finalizer);
  const current = stays ? await hideArtifact(target, object) : object;
  if (finalizers.includes(finalizer)) {
    await removeFinalizer(run.kube, resource, current, finalizer, run.signal);
  }
  return { result: 'gone' };
}

/** That it failed is logged, no more: the object is on its way out. */
async function hideArtifact(target: Target, object: OciRepository): Promise<OciRepository> {
  const status = { ...object.status, artifact: undefined, url: undefined };
  try {
    return (await writeStatus(target, object, status)) ?? object;
  } catch (error) {
    target.run.log.error('the artifact of a deleted object is still in its status', { error });
    return object;
  }
}

/**
 * After a run that stored a file: deletes it when the object is gone meanwhile. Whoever deletes an object deletes its
 * files first, so a run that ends in between would leave one behind for ever. A successor of the same name keeps its own.
 */
export async function dropFilesOfGone({ run, resource, artifacts }: Target): Promise<void> {
  const { namespace, name } = run.request;
  if (await run.kube.get(resource, { namespace, name }, run.signal)) return;
  await artifacts.removeAll(run.signal);
}
