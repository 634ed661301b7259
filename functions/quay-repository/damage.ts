/** Ladder step 8: a status that has lost what we need of it (spec 5). */
import type { QuayCredentials, QuayImageRepository } from '../../shared/api/quay-image-repository.ts';
import { isForComponent } from './component.ts';
import { imageNameOf, isOwnRobot, type Registry, type Role } from './names.ts';

/** A robot that is not ours counts as lost (4.4): its name is never sent to Quay. */
export function isDamaged(object: QuayImageRepository, registry: Registry): boolean {
  const { state, image, credentials = {} } = object.status ?? {};
  if (!state || !image?.url || !image.visibility) return true;
  const roles: Role[] = isForComponent(object) ? ['push', 'pull'] : ['push'];
  return roles.some((role) => {
    const secret = credentials[`${role}-secret`];
    return !secret || ownRobot(object, registry, role) === undefined;
  });
}

/** The robot that the status names for a role, if it is one of ours. */
export function ownRobot(object: QuayImageRepository, registry: Registry, role: Role): string | undefined {
  const credentials: QuayCredentials = object.status?.credentials ?? {};
  const robot = credentials[`${role}-robot-account`];
  return robot && isOwnRobot(robot, imageNameOf(object, registry), role) ? robot : undefined;
}
