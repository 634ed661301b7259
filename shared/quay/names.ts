/**
 * Names as Quay accepts them (spec A.2). They become parts of request paths, and some of them come from a status that a
 * tenant may edit: what does not fit is never sent, so that no name can lead a request elsewhere.
 */
import { QuayError } from './errors.ts';

export const LONGEST_REPOSITORY = 255;
const REPOSITORY = /^[a-z0-9][.a-z0-9_-]*(\/[a-z0-9][.a-z0-9_-]*)*$/;
const LONGEST_ROBOT = 255;
const ROBOT_PART = '[a-z0-9]+(?:[._-][a-z0-9]+)*';
const ROBOT = new RegExp(`^(?:${ROBOT_PART}\\+)?(${ROBOT_PART})$`);
const TAG = /^\w[\w.-]{0,127}$/;
const DIGEST = /^sha256:[0-9a-f]{64}$/;
const UUID = /^[0-9A-Za-z][0-9A-Za-z-]{0,63}$/;

/** Whether Quay accepts a name inside an organization (nested names enabled). */
export function isRepositoryName(name: string): boolean {
  return name.length <= LONGEST_REPOSITORY && REPOSITORY.test(name);
}

/** @throws QuayError `impossible`, without a request */
export function requireRepositoryName(name: string): string {
  if (!isRepositoryName(name)) throw invalid('repository', name);
  return name;
}

/**
 * The short name of a robot: surrounding space and the organization before `+` taken off (A.3.5).
 * @throws QuayError `impossible`, without a request
 */
export function shortRobotName(name: string): string {
  const short = ROBOT.exec(name.trim())?.[1];
  if (short === undefined || short.length < 2 || short.length > LONGEST_ROBOT) throw invalid('robot', name);
  return short;
}

/** A user or the full name of a robot, as permissions carry it. @throws QuayError `impossible`, without a request */
export function requireAccountName(name: string): string {
  if (!ROBOT.test(name)) throw invalid('account', name);
  return name;
}

/** @throws QuayError `impossible`, without a request */
export function requireTag(tag: string): string {
  if (!TAG.test(tag)) throw invalid('tag', tag);
  return tag;
}

/** @throws QuayError `impossible`, without a request */
export function requireDigest(digest: string): string {
  if (!DIGEST.test(digest)) throw invalid('digest', digest);
  return digest;
}

/** @throws QuayError `impossible`, without a request */
export function requireUuid(uuid: string): string {
  if (!UUID.test(uuid)) throw invalid('notification id', uuid);
  return uuid;
}

function invalid(what: string, value: string): QuayError {
  const shown = value.replace(/[\p{Cc}\s]+/gu, ' ').slice(0, 80);
  return new QuayError('impossible', `'${shown}' is no valid Quay ${what}`);
}
