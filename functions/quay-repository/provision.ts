/** Provisioning (spec 6): from a claim to a repository with robots and Secrets. Every step may be repeated. */
import {
  PROVISIONING_FINALIZER,
  QUAY_IMAGE_REPOSITORY,
  type QuayImageRepository,
  type Visibility,
} from '../../shared/api/quay-image-repository.ts';
import { rfc3339 } from '../../shared/kube/conditions.ts';
import { QuayError } from '../../shared/quay/errors.ts';
import { tell } from '../../shared/quay/events.ts';
import {
  ensureAccess,
  type Made,
  obtainRepository,
  Refusal,
  takeBack,
} from '../../shared/quay/provisioning.ts';
import { handOver, type Provision, RIGHTS } from './access.ts';
import { componentNameOf, componentOwner, ownerReferenceTo, readComponent } from './component.ts';
import { provisionTime } from './measures.ts';
import { converge } from './notifications.ts';
import { MESSAGE } from './reasons.ts';
import type { Site } from './site.ts';
import type { Step } from './step.ts';
import { waitForComponent } from './waiting.ts';
import { claim, writeAhead } from './write-ahead.ts';
import { editObject, writeStatus } from './writes.ts';

/** Ladder step 6. */
export async function provision(site: Site, found: QuayImageRepository): Promise<Step> {
  const component = componentNameOf(found);
  let owner = componentOwner(found);
  if (component !== undefined && !owner) {
    const read = await readComponent(site, component);
    if (!read) return { result: await waitForComponent(site, found, component) };
    owner = ownerReferenceTo(read.object);
  }
  const claimed = await claim(site, found, owner);
  const { object, provision } = await writeAhead(site, claimed);
  // Names of before: an attempt that did not come to its end may have made these robots.
  const { 'push-robot-account': push, 'pull-robot-account': pull } = claimed.status?.credentials ?? {};
  const known = Object.values(provision.robots).filter((robot) => robot === push || robot === pull);
  const made: Made = { repository: false, robots: new Set(known) };
  try {
    return { again: await carryOut(site, object, provision, made) };
  } catch (error) {
    const reason = finalReason(error);
    if (reason === undefined) throw error;
    return { again: await giveUp(site, object, provision, made, reason) };
  }
}

async function carryOut(
  site: Site,
  object: QuayImageRepository,
  provision: Provision,
  made: Made,
): Promise<QuayImageRepository> {
  const { run } = site;
  const { imageName, imageUrl, robots } = provision;
  const visibility: Visibility = object.spec?.image?.visibility ?? 'public';
  const obtained = await obtainRepository(site, imageName, visibility);
  made.repository = obtained === 'created';
  if (typeof obtained === 'object') {
    throw new Refusal(obtained.refused === 'planLimit' ? MESSAGE.planLimitAtCreation : obtained.text);
  }
  let isNew = false;
  for (const role of ['push', 'pull'] as const) {
    const name = robots[role];
    if (!name) continue;
    made.robots.add(name);
    const robot = await ensureAccess(site, imageName, RIGHTS[role], name);
    isNew = (await handOver(site, object, provision, role, robot)) || isNew;
  }
  const { notifications, problem } = await converge(site, imageName, object, { mayBeMissing: false });

  // Status before finalizer: who sees that it is provisioned sees that it is ready.
  const { credentials, image } = object.status ?? {};
  const since = isNew ? undefined : credentials?.generationTimestamp;
  const spec = { image: { name: imageName, visibility } };
  const isDefaulted = object.spec?.image?.name !== imageName || object.spec.image.visibility !== visibility;
  const generation = (object.metadata.generation ?? 0) + (isDefaulted ? 1 : 0);
  const ready = {
    state: 'ready',
    message: problem,
    image: { ...image, url: imageUrl, visibility },
    credentials: { ...credentials, generationTimestamp: since ?? rfc3339(run.clock.now()) },
    notifications: notifications.length > 0 ? notifications : undefined,
  };
  const told = await writeStatus(site, object, ready, generation);
  // Deleted meanwhile: the next step takes everything back.
  if (told.metadata.deletionTimestamp) return told;
  const finalizers = [
    ...(told.metadata.finalizers ?? []).filter((each) => each !== PROVISIONING_FINALIZER),
    QUAY_IMAGE_REPOSITORY.finalizer,
  ];
  const done = await editObject(site, told, { metadata: { finalizers }, spec }, { guard: true });
  site.report.measures.push(provisionTime('done', site));
  await tell(site, done, 'Provisioned', `image repository ${imageUrl} was provided`);
  return done;
}

/** Why Quay will never do it; undefined: it may, at another time. */
function finalReason(error: unknown): string | undefined {
  if (error instanceof Refusal) return error.message;
  return error instanceof QuayError && error.kind === 'impossible' ? error.text || error.message : undefined;
}

/** The end of an attempt that cannot succeed: nothing of it stays but the reason; the next step lets go of the object (6.3). */
async function giveUp(
  site: Site,
  object: QuayImageRepository,
  { imageName, imageUrl }: Provision,
  made: Made,
  message: string,
): Promise<QuayImageRepository> {
  await takeBack(site, imageName, made);
  const failed = await writeStatus(site, object, {
    state: 'failed',
    message,
    image: { url: imageUrl },
    credentials: undefined,
    notifications: undefined,
  });
  site.report.measures.push(provisionTime('failed', site));
  await tell(site, failed, 'ProvisionFailed', message);
  return failed;
}
