/** The end of an object (spec 11): nothing that was made for it stays, and nothing that Quay does keeps it from going. */
import {
  PROVISIONING_FINALIZER,
  QUAY_ANNOTATION,
  QUAY_IMAGE_REPOSITORY,
  type QuayImageRepository,
} from '../../shared/api/quay-image-repository.ts';
import { withdrawUpload } from '../../shared/kube/remote-secret.ts';
import { openOrGiveUp, removeAll, reportOrphans } from '../../shared/quay/farewell.ts';
import { unlinkPushSecret } from './links.ts';
import { imageNameOf, imageUrlOf, isOwnRobot, secretNameOf } from './names.ts';
import type { Desk, Site } from './site.ts';
import { openSite } from './site.ts';
import type { Step } from './step.ts';
import { editObject } from './writes.ts';

const OURS: readonly string[] = [QUAY_IMAGE_REPOSITORY.finalizer, PROVISIONING_FINALIZER];

/** Ladder step 2. */
export async function finishDeletion(desk: Desk, object: QuayImageRepository): Promise<Step> {
  const { finalizers = [] } = object.metadata;
  if (!isHeld(object)) return { result: { result: 'gone' } };
  const site = await openOrGiveUp(
    object,
    desk,
    () => openSite(desk),
    (error) => reportOrphans(desk, object, remains(object), error),
  );
  await unlinkPushSecret(desk, object);
  if (site) await deleteFromQuay(site, object);
  if (object.status?.credentials?.['push-remote-secret']) await withdrawUploads(desk, object);
  const left = finalizers.filter((each) => !OURS.includes(each));
  await editObject(desk, object, { metadata: { finalizers: left } }, { guard: true });
  return { result: { result: 'gone' } };
}

/** Robots and repository. @throws QuayError as long as waiting may help */
async function deleteFromQuay(site: Site, object: QuayImageRepository): Promise<void> {
  const { run, quay } = site;
  const imageName = imageNameOf(object, site);
  const removals = robotsOf(site, object, imageName).map(
    (robot) => () => quay.deleteRobot(robot, run.signal),
  );
  const isDeleted = !(await isKept(site, object, imageName));
  if (isDeleted) removals.push(() => quay.deleteRepository(imageName, run.signal));
  const [left] = await removeAll(object, run.clock, removals);
  if (left) await reportOrphans(site, object, remains(object, imageUrlOf(imageName, site)), left);
  else if (isDeleted) {
    run.log.info('deleted an image repository', { action: 'DELETE', repository: imageName });
  }
}

/** Those that the status names and that can only be ours; without a status nobody guesses (11.2). */
function robotsOf(site: Site, object: QuayImageRepository, imageName: string): string[] {
  const { credentials = {} } = object.status ?? {};
  return (['push', 'pull'] as const).flatMap((role) => {
    const robot = credentials[`${role}-robot-account`];
    if (!robot) return [];
    if (isOwnRobot(robot, imageName, role)) return [robot];
    site.run.log.error(`the ${role} robot of the status is none of this repository and is left alone`, {
      audit: 'true',
    });
    return [];
  });
}

/** Somebody wants the repository to stay, or another object in the namespace provides the same (11.3, 11.4). */
async function isKept(site: Site, object: QuayImageRepository, imageName: string): Promise<boolean> {
  if (object.metadata.annotations?.[QUAY_ANNOTATION.skipRepositoryDeletion] === 'true') return true;
  const { run, resource } = site;
  const { namespace, name, uid } = object.metadata;
  const { items } = await run.kube.list<QuayImageRepository>(resource, { namespace }, run.signal);
  return items.some((other) => {
    if (other.metadata.uid === uid || other.status?.state === 'failed') return false;
    // Of two that are deleted together, the one that sorts last takes the repository along; one that others hold is done.
    if (other.metadata.deletionTimestamp && (other.metadata.name < name || !isHeld(other))) return false;
    return imageNameOf(other, site) === imageName;
  });
}

/** We have something to do before it may go. */
function isHeld({ metadata }: QuayImageRepository): boolean {
  return metadata.finalizers?.some((each) => OURS.includes(each)) ?? false;
}

async function withdrawUploads({ run }: Desk, object: QuayImageRepository): Promise<void> {
  const { namespace } = run.request;
  for (const role of ['push', 'pull'] as const) {
    await withdrawUpload(run.kube, { namespace, name: secretNameOf(object.metadata.name, role) }, run.signal);
  }
}

/** What may stay in Quay of an object. */
function remains({ status }: QuayImageRepository, imageUrl = status?.image?.url) {
  const { 'push-robot-account': push, 'pull-robot-account': pull } = status?.credentials ?? {};
  return { imageUrl, robots: [push, pull].filter((robot) => robot !== undefined) };
}
