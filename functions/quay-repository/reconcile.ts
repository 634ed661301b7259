/** The story of one `ImageRepository` of Quay: the decision ladder of spec 5, climbed until it has nothing more to say. */
import { randomBytes } from 'node:crypto';
import {
  PROVISIONING_FINALIZER,
  QUAY_IMAGE_REPOSITORY,
  type QuayImageRepository,
} from '../../shared/api/quay-image-repository.ts';
import { retrying } from '../../shared/kube/conditions.ts';
import { isConflict } from '../../shared/kube/errors.ts';
import { removeFinalizer } from '../../shared/kube/finalizer.ts';
import { findObject } from '../../shared/kube/find-object.ts';
import type { Condition } from '../../shared/kube/resource.ts';
import { patchStatus } from '../../shared/kube/status-patch.ts';
import { availabilityMeasures } from '../../shared/quay/availability.ts';
import { openQuay } from '../../shared/quay/client.ts';
import { nameFailure } from '../../shared/quay/run-failure.ts';
import { readyOf } from '../../shared/runtime/attempt.ts';
import { messageOf, RetryError } from '../../shared/runtime/errors.ts';
import type { Reconcile, Run, RunResult } from '../../shared/runtime/reconciler.ts';
import { componentNameOf, isProvisioned } from './component.ts';
import { updateComponentImage } from './component-image.ts';
import { isDamaged } from './damage.ts';
import { finishDeletion } from './deletion.ts';
import { restoreName } from './image-name.ts';
import { linkPushSecret, verifyLinking } from './links.ts';
import { convergeNotifications } from './notifications.ts';
import { provision } from './provision.ts';
import { FINAL_STATES, MESSAGE } from './reasons.ts';
import { reopen } from './reopen.ts';
import { refuseNamespaceRotation, rotateTokens } from './rotation.ts';
import { type Dependencies, type Desk, openSite, type Report, type Site } from './site.ts';
import type { Step } from './step.ts';
import { changeVisibility } from './visibility.ts';
import { GoneError, writeStatus } from './writes.ts';

/** A provisioned object is looked at this often, to find what went astray (spec 16.1). */
export const LOOK_AGAIN_MS = 10 * 60 * 60_000;

/** The first look for service accounts that are missing. */
const SOON_MS = 5000;

/** Passes over the ladder in one run (spec 5). */
const PASSES = 8;

/** Ladder steps 13 to 17: the first that has something to do does it, and the ladder begins again. */
const REQUESTS = [restoreName, changeVisibility, rotateTokens, refuseNamespaceRotation, verifyLinking];

/** Brings one object from what it is to what it should be. Safe to repeat at any time, at any point. */
export function createReconciler(given: Pick<Dependencies, 'settings'> & Partial<Dependencies>): Reconcile {
  const dependencies = { openQuay, newSuffix: () => randomBytes(5).toString('hex'), ...given };
  return async (run) => {
    const found = await findObject<QuayImageRepository>(run, QUAY_IMAGE_REPOSITORY);
    if (!found) return { result: 'gone' };
    const report: Report = {
      object: found.object,
      events: 0,
      measures: [],
      quay: { worked: undefined },
      waitingSince: waitingSince(found.object, run),
    };
    const desk = { ...dependencies, run, resource: found.resource, report };
    const result = await climbToTheEnd(desk);
    return {
      ...result,
      events: report.events,
      measures: [...report.measures, ...availabilityMeasures(report.quay)],
    };
  };
}

/** A writer who came between sends us back to the first step, with the object as it is now. */
async function climbToTheEnd(desk: Desk): Promise<RunResult> {
  const { report } = desk;
  for (let pass = 1; pass <= PASSES; pass++) {
    try {
      const step = await climb(desk, report.object);
      if ('result' in step) return step.result;
      report.object = step.again;
    } catch (error) {
      if (error instanceof GoneError) return { result: 'gone' };
      if (!isConflict(error)) return await endWith(desk, error);
      const again = await findObject<QuayImageRepository>(desk.run, QUAY_IMAGE_REPOSITORY);
      if (again?.object.metadata.uid !== report.object.metadata.uid) return { result: 'gone' };
      report.object = again.object;
      if (pass === PASSES) throw new RetryError('Conflict', messageOf(error), { cause: error });
    }
  }
  return { result: 'ok', requeueAfterMs: 1 };
}

async function climb(desk: Desk, object: QuayImageRepository): Promise<Step> {
  if (object.metadata.deletionTimestamp) return await finishDeletion(desk, object);
  const reopened = await reopen(desk, object);
  if (reopened) return { again: reopened };
  if (isOver(object)) return await rest(desk, await letGo(desk, object));
  const site = await openSite(desk);
  return isProvisioned(object) ? await maintain(site, object) : await provision(site, object);
}

/** `failed` for ever; `damaged` and `missing` until a person removes the finalizer. */
function isOver(object: QuayImageRepository): boolean {
  const state = object.status?.state ?? '';
  return state === 'failed' || (state in FINAL_STATES && isProvisioned(object));
}

/** Nothing is left in Quay of what failed: the object may be deleted without us (6.3). */
async function letGo({ run, resource }: Desk, object: QuayImageRepository): Promise<QuayImageRepository> {
  if (!object.metadata.finalizers?.includes(PROVISIONING_FINALIZER)) return object;
  const released = await removeFinalizer(run.kube, resource, object, PROVISIONING_FINALIZER, run.signal);
  if (!released) throw new GoneError();
  return released;
}

/** Ladder steps 8 to 19. */
async function maintain(site: Site, object: QuayImageRepository): Promise<Step> {
  if (isDamaged(object, site)) {
    return { again: await writeStatus(site, object, { state: 'damaged', message: MESSAGE.damaged }) };
  }
  let lookAgainMs = LOOK_AGAIN_MS;
  if (componentNameOf(object) !== undefined) {
    if (await linkPushSecret(site, object)) lookAgainMs = nextLook(object, site.run.clock.now());
    const told = await updateComponentImage(site, object);
    if (told) return { again: told };
  }
  if (object.status?.state === 'ready') {
    for (const carryOut of REQUESTS) {
      const changed = await carryOut(site, object);
      if (changed) return { again: changed };
    }
    return await rest(site, await convergeNotifications(site, object), lookAgainMs);
  }
  return await rest(site, object, lookAgainMs);
}

/** A Component's accounts come about when its object does: looked for soon at first, then after twice the time (7.5). */
function nextLook({ status }: QuayImageRepository, now: number): number {
  const age = now - Date.parse(status?.credentials?.generationTimestamp ?? '');
  return age < LOOK_AGAIN_MS ? Math.max(SOON_MS, age) : LOOK_AGAIN_MS;
}

/** Nothing more to do: the conditions say so, and the relay looks again some time. */
async function rest(desk: Desk, object: QuayImageRepository, requeueAfterMs = LOOK_AGAIN_MS): Promise<Step> {
  const after = await writeStatus(desk, object, {});
  const { state = '', message = '' } = after.status ?? {};
  const ready = readyOf(after);
  const reason = FINAL_STATES[state];
  if (reason) return { result: { ...ready, result: 'stalled', reason, message } };
  return { result: { ...ready, result: 'ok', requeueAfterMs } };
}

/** A failure of Quay or of a Secret is told where it lasts; the state stays as it is, because none of them is for good. */
async function endWith({ run, resource, report }: Desk, error: unknown): Promise<RunResult> {
  const { object } = report;
  const failure = nameFailure(error, run, report);
  if (!failure) throw error;
  const { result } = failure;
  if (!failure.isShown || object.metadata.deletionTimestamp) return result;
  const { reason, message } = result;
  const generation = object.metadata.generation ?? 0;
  const picture = { reason, message, progress: message, generation };
  const conditions = retrying(object.status?.conditions as Condition[], picture, run.clock.now());
  const status = {
    ...object.status,
    conditions,
    ...(failure.message !== undefined && { message: failure.message }),
  };
  const after = await patchStatus({ kube: run.kube, resource, object, status }, run.signal);
  return after ? { ...result, ...readyOf(after) } : { result: 'gone' };
}

/** The wish is as old as the object; a recovery begins now. */
function waitingSince({ metadata, status }: QuayImageRepository, run: Run): number {
  const isRecovery = (status?.state ?? '') in FINAL_STATES;
  const created = Date.parse(metadata.creationTimestamp ?? '');
  return isRecovery || Number.isNaN(created) ? run.clock.now() : created;
}
