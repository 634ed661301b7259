/** Robot accounts (spec A.3.5 to A.3.8). */
import type * as z from 'zod/mini';
import { type QuayAnswer, readAnswer, refusal, requireGone } from './answer.ts';
import { Robot } from './answer-schemas.ts';
import type { QuayApi } from './api.ts';
import type { Robot as Account, RobotOperations } from './client.ts';
import { QuayError } from './errors.ts';
import { shortRobotName } from './names.ts';

/** Shown in Quay's web page; at most 255 characters. */
const DESCRIPTION = 'Made by Longshore for an ImageRepository of a Kubernetes cluster';
const FOR_ONE = 'Made by Longshore, for ';
const EXISTS = 'Existing robot with name';
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
    if (!(answer.status === 400 && answer.text.includes(EXISTS))) throw refusal(answer);
    const robot = await find(short, signal);
    // Deleted between the two: the next run makes it.
    if (!robot) throw new QuayError('unavailable', `${answer.what}: the robot exists and cannot be found`);
    return { robot, existed: true };
  };

  const operations: RobotOperations = {
    async getRobot(short, signal) {
      const robot = await find(short, signal);
      return robot && loginOf(robot);
    },

    ensureRobot: async (short, signal) => loginOf((await ensure(short, DESCRIPTION, signal)).robot),

    async claimRobot(short, owner, signal) {
      const description = FOR_ONE + owner;
      const { robot, existed } = await ensure(short, description, signal);
      return existed && robot.description !== description ? undefined : loginOf(robot);
    },

    async releaseRobot(short, owner, signal) {
      const robot = await find(short, signal);
      if (!robot) return;
      // What others made, such as a controller before us, says nothing of owners.
      const { description } = robot;
      if (description?.startsWith(FOR_ONE) && description !== FOR_ONE + owner) return;
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

function loginOf({ name, token }: z.infer<typeof Robot>): Account {
  return { name, token };
}

/** Quay says 400 where others say 404. */
function isAbsent({ status, text }: QuayAnswer): boolean {
  return status === 404 || (status === 400 && text.includes(ABSENT));
}
