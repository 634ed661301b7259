/**
 * What the object says before anything is made for it (spec 6.3): a finalizer, so that nothing outlives it, and the names
 * of all that will be made, so that a run that dies leaves nothing behind that nobody knows, and the next one makes nothing
 * twice.
 */
import {
  PROVISIONING_FINALIZER,
  type QuayCredentials,
  type QuayImageRepository,
} from '../../shared/api/quay-image-repository.ts';
import { servesRemoteSecrets } from '../../shared/kube/remote-secret.ts';
import type { OwnerReference } from '../../shared/kube/resource.ts';
import type { Provision } from './access.ts';
import { isForComponent } from './component.ts';
import { ownRobot } from './damage.ts';
import { imageNameOf, imageUrlOf, type Role, robotNameOf, secretNameOf } from './names.ts';
import type { Site } from './site.ts';
import { completed, editObject, writeStatusAhead } from './writes.ts';

/**
 * Makes the object ours: our finalizer, and the Component as its owner. One request, none when both are there.
 * @throws KubeError `Conflict` when somebody wrote meanwhile: then the newer object decides
 */
export async function claim(
  site: Site,
  object: QuayImageRepository,
  owner: OwnerReference | undefined,
): Promise<QuayImageRepository> {
  const { finalizers = [], ownerReferences = [] } = object.metadata;
  const isHeld = finalizers.includes(PROVISIONING_FINALIZER);
  const isOwned = !owner || ownerReferences.some(({ uid }) => uid === owner.uid);
  if (isHeld && isOwned) return object;
  const metadata = {
    ...(!isHeld && { finalizers: [...finalizers, PROVISIONING_FINALIZER] }),
    ...(!isOwned && { ownerReferences: [...ownerReferences, owner] }),
  };
  return await editObject(site, object, { metadata }, { guard: true });
}

/**
 * Writes the names into the status. Names that are there stay; with all of them there, nothing is written.
 * @throws KubeError `Conflict` when somebody wrote meanwhile, who may have chosen names as well
 */
export async function writeAhead(
  site: Site,
  object: QuayImageRepository,
): Promise<{ object: QuayImageRepository; provision: Provision }> {
  const { run } = site;
  const { credentials = {}, image } = object.status ?? {};
  const imageName = imageNameOf(object, site);
  const imageUrl = imageUrlOf(imageName, site);
  const isNew = credentials['push-secret'] === undefined;
  const remote = isNew
    ? await servesRemoteSecrets(run, run.signal)
    : credentials['push-remote-secret'] !== undefined;
  const robotFor = (role: Role) =>
    ownRobot(object, site, role) ?? robotNameOf(imageName, role, site.newSuffix());
  const robots: Provision['robots'] = {
    push: robotFor('push'),
    ...(isForComponent(object) && { pull: robotFor('pull') }),
  };
  const provision: Provision = { imageName, imageUrl, remote, robots };

  const named: QuayCredentials = {
    ...credentials,
    ...namesFor(object, 'push', robots.push, remote),
    ...(robots.pull && namesFor(object, 'pull', robots.pull, remote)),
  };
  const { state, message, ...rest } = object.status ?? {};
  const known = Object.entries(named).every(
    ([key, value]) => credentials[key as keyof QuayCredentials] === value,
  );
  // A message tells of a Secret that is in the way since: it stands until that is over.
  if (known && image?.url === imageUrl && !state) return { object, provision };
  const status = { ...rest, image: { ...image, url: imageUrl }, credentials: named };
  const told = completed(status, object.metadata.generation ?? 0, run.clock.now());
  // A merge patch removes what it names as null: state and message of an attempt before this one.
  const ahead = { ...told, state: null, message: null } as unknown as typeof told;
  return { object: await writeStatusAhead(site, object, ahead), provision };
}

function namesFor(
  object: QuayImageRepository,
  role: Role,
  robot: string,
  remote: boolean,
): Partial<QuayCredentials> {
  const secret = secretNameOf(object.metadata.name, role);
  return {
    [`${role}-robot-account`]: robot,
    [`${role}-secret`]: secret,
    ...(remote && { [`${role}-remote-secret`]: secret }),
  };
}
