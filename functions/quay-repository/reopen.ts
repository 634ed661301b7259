/** The `retry` annotation (spec 10.4): out of a final state without making the object anew. */
import {
  PROVISIONING_FINALIZER,
  QUAY_ANNOTATION,
  QUAY_IMAGE_REPOSITORY,
  type QuayImageRepository,
} from '../../shared/api/quay-image-repository.ts';
import { FINAL_STATES } from './reasons.ts';
import type { Desk } from './site.ts';
import { editObject, writeStatus } from './writes.ts';

/**
 * Takes the annotation away, and with it the final state. The state goes first: a run that dies in between has reopened
 * the object, and the next one takes the annotation away. Undefined: there is none.
 */
export async function reopen(
  desk: Desk,
  object: QuayImageRepository,
): Promise<QuayImageRepository | undefined> {
  if (object.metadata.annotations?.[QUAY_ANNOTATION.retry] === undefined) return undefined;
  const annotations = { [QUAY_ANNOTATION.retry]: null };
  const state = object.status?.state ?? '';
  if (!(state in FINAL_STATES))
    return await editObject(desk, object, { metadata: { annotations } }, { guard: false });
  desk.report.waitingSince = desk.run.clock.now();
  const held = await holdForRecovery(desk, object);
  const reopened = await writeStatus(desk, held, { state: undefined, message: undefined });
  return await editObject(desk, reopened, { metadata: { annotations } }, { guard: false });
}

/** As if a person had removed the finalizer, but that nothing may go to waste if the object is deleted before it is ready. */
async function holdForRecovery(desk: Desk, object: QuayImageRepository): Promise<QuayImageRepository> {
  const { finalizers = [] } = object.metadata;
  if (!finalizers.includes(QUAY_IMAGE_REPOSITORY.finalizer)) return object;
  const others = finalizers.filter(
    (each) => each !== QUAY_IMAGE_REPOSITORY.finalizer && each !== PROVISIONING_FINALIZER,
  );
  const metadata = { finalizers: [...others, PROVISIONING_FINALIZER] };
  return await editObject(desk, object, { metadata }, { guard: true });
}
