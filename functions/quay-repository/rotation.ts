/** Ladder steps 15 and 16: new tokens on request (spec 8.3, 8.5). */
import type { QuayImageRepository } from '../../shared/api/quay-image-repository.ts';
import { rfc3339 } from '../../shared/kube/conditions.ts';
import type { Robot } from '../../shared/quay/client.ts';
import { tell } from '../../shared/quay/events.ts';
import { ensureAccess } from '../../shared/quay/provisioning.ts';
import { handOver, RIGHTS } from './access.ts';
import { declareMissing } from './missing.ts';
import { imageNameOf, imageUrlOf, type Role } from './names.ts';
import { MESSAGE } from './reasons.ts';
import type { Site } from './site.ts';
import { editObject, writeStatus } from './writes.ts';

const NEAR_MS = 60_000;

/**
 * Rotates the tokens of the robots. The old ones end at once, so nothing comes between a rotation and its Secret. A
 * robot that is missing is made again: rotation is also how one repairs. Undefined: it was not asked for.
 */
export async function rotateTokens(
  site: Site,
  object: QuayImageRepository,
): Promise<QuayImageRepository | undefined> {
  if (object.spec?.credentials?.['regenerate-token'] !== true) return undefined;
  const { run, quay } = site;
  const { credentials = {} } = object.status ?? {};
  const imageName = imageNameOf(object, site);
  if (!(await quay.getRepository(imageName, run.signal))) return await declareMissing(site, object);
  const provision = {
    imageUrl: imageUrlOf(imageName, site),
    remote: credentials['push-remote-secret'] !== undefined,
  };
  for (const role of ['push', 'pull'] as const) {
    const robot = credentials[`${role}-robot-account`];
    if (robot) await handOver(site, object, provision, role, await rotated(site, imageName, role, robot));
  }
  const generationTimestamp = timestampAfter(credentials.generationTimestamp, run.clock.now());
  const told = await writeStatus(site, object, {
    credentials: { ...credentials, generationTimestamp },
    message: undefined,
  });
  const done = await removeRequest(site, told, 'regenerate-token');
  await tell(site, done, 'TokenRotated', `new tokens for image repository ${provision.imageUrl}`);
  return done;
}

/** There is no namespace pull Secret here: says so, once. Undefined: it was not asked for. */
export async function refuseNamespaceRotation(
  site: Site,
  object: QuayImageRepository,
): Promise<QuayImageRepository | undefined> {
  if (object.spec?.credentials?.['regenerate-namespace-pull-token'] !== true) return undefined;
  const told = await writeStatus(site, object, { message: MESSAGE.noNamespaceSecret });
  return await removeRequest(site, told, 'regenerate-namespace-pull-token');
}

async function rotated(site: Site, imageName: string, role: Role, short: string): Promise<Robot> {
  const { run, quay } = site;
  const robot = await quay.regenerateRobot(short, run.signal);
  if (!robot) return await ensureAccess(site, imageName, RIGHTS[role], short);
  run.secrets.add(robot.token);
  return robot;
}

/** Only the request goes: `spec.credentials` itself stays, because clients look into it. */
function removeRequest(
  site: Site,
  object: QuayImageRepository,
  request: string,
): Promise<QuayImageRepository> {
  return editObject(site, object, { spec: { credentials: { [request]: null } } }, { guard: false });
}

/** Now, in whole seconds, and later than before: rotations may share a second. A time far ahead is not one of ours. */
function timestampAfter(before = '', now: number): string {
  const earliest = Date.parse(before) + 1000;
  return rfc3339(earliest > now && earliest < now + NEAR_MS ? earliest : now);
}
