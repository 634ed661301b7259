/** The end of an object (spec 11): nothing that was made for it stays, and nothing that Quay does keeps it from going. */
import {
  PROVISIONING_FINALIZER,
  QUAY_ANNOTATION,
  QUAY_IMAGE_REPOSITORY,
  type QuayImageRepository,
} from '../../shared/api/quay-image-repository.ts';
import { withdrawUpload } from '../../shared/kube/remote-secret.ts';
import { QuayError } from '../../shared/quay/errors.ts';
import { tell } from '../../shared/quay/events.ts';
import { ageOfDeletion, removeAll } from '../../shared/quay/farewell.ts';
import { messageOf } from '../../shared/runtime/errors.ts';
import { unlinkPushSecret } from './links.ts';
import { imageNameOf, imageUrlOf, isOwnRobot, secretNameOf } from './names.ts';
import type { Desk, Site } from './site.ts';
import { openSite } from './site.ts';
import type { Step } from './step.ts';
import { editObject } from './writes.ts';

/** For so long an operator may take to repair the token, where the object may go without it at all. */
const OPERATOR_MS = 24 * 60 * 60_000;

const OURS: readonly string[] = [QUAY_IMAGE_REPOSITORY.finalizer, PROVISIONING_FINALIZER];

/** Ladder step 2. */
export async function finishDeletion(desk: Desk, object: QuayImageRepository): Promise<Step> {
  const { finalizers = [] } = object.metadata;
  if (!finalizers.some((each) => OURS.includes(each))) return { result: { result: 'gone' } };
  const site = await openOrGiveUp(desk, object);
  await unlinkPushSecret(desk, object);
  if (site) await deleteFromQuay(site, object);
  if (object.status?.credentials?.['push-remote-secret']) await withdrawUploads(desk, object);
  const left = finalizers.filter((each) => !OURS.includes(each));
  await editObject(desk, object, { metadata: { finalizers: left } }, { guard: true });
  return { result: { result: 'gone' } };
}

/** Undefined: there has been no usable token for a day, and the operator wants objects to go then. */
async function openOrGiveUp(desk: Desk, object: QuayImageRepository): Promise<Site | undefined> {
  try {
    return await openSite(desk);
  } catch (error) {
    const isGivenUp =
      desk.settings['delete-without-registry'] && ageOfDeletion(object, desk.run.clock) >= OPERATOR_MS;
    if (!(error instanceof QuayError) || !isGivenUp) throw error;
    await reportOrphans(desk, object, object.status?.image?.url ?? 'unknown', error);
    return undefined;
  }
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
  if (left) await reportOrphans(site, object, imageUrlOf(imageName, site), left);
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
    // Of two that are deleted together, the one that sorts last takes the repository along.
    if (other.metadata.deletionTimestamp && other.metadata.name < name) return false;
    return imageNameOf(other, site) === imageName;
  });
}

async function withdrawUploads({ run }: Desk, object: QuayImageRepository): Promise<void> {
  const { namespace } = run.request;
  for (const role of ['push', 'pull'] as const) {
    await withdrawUpload(run.kube, { namespace, name: secretNameOf(object.metadata.name, role) }, run.signal);
  }
}

/** What stays in Quay, for whoever cleans up: a line in the log and an event. */
async function reportOrphans(
  desk: Desk,
  object: QuayImageRepository,
  imageUrl: string,
  error: unknown,
): Promise<void> {
  const { credentials = {} } = object.status ?? {};
  desk.run.log.error(`left behind in Quay: ${messageOf(error)}`, {
    action: 'DELETE',
    audit: 'true',
    orphan: imageUrl,
    robots: [credentials['push-robot-account'], credentials['pull-robot-account']].filter(Boolean),
  });
  await tell(desk, object, 'Orphaned', `deleted without Quay: ${imageUrl} and its robots may still exist`);
}
