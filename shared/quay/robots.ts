/** Robot accounts (spec A.3.5 to A.3.8). */
import type * as z from 'zod/mini';
import { type QuayAnswer, readAnswer, refusal, requireGone } from './answer.ts';
import { Robot, RobotRights } from './answer-schemas.ts';
import type { QuayApi } from './api.ts';
import type { Robot as Account, RobotOperations } from './client.ts';
import { QuayError } from './errors.ts';
import { shortRobotName } from './names.ts';

/** Shown in Quay's web page. */
const DESCRIPTION = 'Made by Longshore for an ImageRepository of a Kubernetes cluster';
const FOR_ONE = 'Made by Longshore, for ';
const LONGEST_DESCRIPTION = 255;
const EXISTS = 'Existing robot with name';
/** No robot of this name, or none at all: to ask again is of no use (A.3.5). */
const IMPOSSIBLE = /^The name for the robot .* is invalid|^Robot accounts have been disabled/;
const ABSENT = 'Could not find robot with specified username';

export function robotOperations(api: QuayApi): RobotOperations {
  const path = (name: string) => `/organization/${api.organization}/robots/${shortRobotName(name)}`;

  const find = async (short: string, signal: AbortSignal) => {
    const answer = await api.ask({ method: 'GET', path: path(short) }, signal);
    if (isAbsent(answer)) return undefined;
    if (answer.status >= 400) throw refusal(answer);
    return readAnswer(Robot, answer);
  };

  const ensure = async (short: string, description: string, signal: AbortSignal) => {
    const answer = await api.ask({ method: 'PUT', path: path(short), body: { description } }, signal);
    if (answer.status < 400) return { robot: readAnswer(Robot, answer), existed: false };
    if (!(answer.status === 400 && answer.text.includes(EXISTS))) {
      throw refusal(answer, IMPOSSIBLE.test(answer.text) ? 'impossible' : 'refused');
    }
    const robot = await find(short, signal);
    // Deleted between the two: the next run makes it.
    if (!robot) throw new QuayError('unavailable', `${answer.what}: the robot exists and cannot be found`);
    return { robot, existed: true };
  };

  /** Its description says so; one that names nobody, as others made it, may not have another repository. */
  const isFor = async (repository: string, short: string, description: string, signal: AbortSignal) => {
    if (description.startsWith(FOR_ONE)) return description === madeFor(repository);
    const answer = await api.ask({ method: 'GET', path: `${path(short)}/permissions` }, signal);
    if (answer.status === 404) return true;
    if (answer.status >= 400) throw refusal(answer);
    const { permissions } = readAnswer(RobotRights, answer);
    return permissions.every((right) => right.repository.name === repository);
  };

  const operations: RobotOperations = {
    async getRobot(short, signal) {
      const robot = await find(short, signal);
      return robot && loginOf(robot);
    },

    ensureRobot: async (short, signal) => loginOf((await ensure(short, DESCRIPTION, signal)).robot),

    async claimRobot(short, repository, signal) {
      const { robot, existed } = await ensure(short, madeFor(repository), signal);
      const isOurs = !existed || (await isFor(repository, short, robot.description ?? '', signal));
      return isOurs ? loginOf(robot) : undefined;
    },

    async releaseRobot(short, repository, signal) {
      const robot = await find(short, signal);
      if (!robot || !(await isFor(repository, short, robot.description ?? '', signal))) return;
      await operations.deleteRobot(short, signal);
    },

    async deleteRobot(short, signal) {
      const answer = await api.ask({ method: 'DELETE', path: path(short) }, signal);
      requireGone(answer, ABSENT);
    },

    async regenerateRobot(short, signal) {
      const answer = await api.ask({ method: 'POST', path: `${path(short)}/regenerate` }, signal);
      if (isAbsent(answer)) return undefined;
      if (answer.status >= 400) throw refusal(answer);
      return loginOf(readAnswer(Robot, answer));
    },
  };
  return operations;
}

/** Cut where only names of one namespace can differ. */
function madeFor(repository: string): string {
  return (FOR_ONE + repository).slice(0, LONGEST_DESCRIPTION);
}

function loginOf({ name, token }: z.infer<typeof Robot>): Account {
  return { name, token };
}

/** Quay says 400 where others say 404. */
function isAbsent({ status, text }: QuayAnswer): boolean {
  return status === 404 || (status === 400 && text.includes(ABSENT));
}
