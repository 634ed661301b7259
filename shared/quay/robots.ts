/** Robot accounts (spec A.3.5 to A.3.8). */
import { Robot } from './answers.ts';
import type { QuayAnswer, QuayApi } from './api.ts';
import type { RobotOperations } from './client.ts';
import { QuayError } from './errors.ts';
import { shortRobotName } from './names.ts';

/** Shown in Quay's web page; at most 255 characters. */
const DESCRIPTION = 'Made by Longshore for an ImageRepository of a Kubernetes cluster';
const EXISTS = 'Existing robot with name';
const ABSENT = 'Could not find robot with specified username';

export function robotOperations(api: QuayApi): RobotOperations {
  const path = (name: string) => `/organization/${api.organization}/robots/${shortRobotName(name)}`;

  const operations: RobotOperations = {
    async getRobot(short, signal) {
      const answer = await api.ask({ method: 'GET', path: path(short) }, signal);
      if (isAbsent(answer)) return undefined;
      if (answer.status >= 400) throw api.refusal(answer);
      return api.read(Robot, answer);
    },

    async ensureRobot(short, signal) {
      const body = { description: DESCRIPTION };
      const answer = await api.ask({ method: 'PUT', path: path(short), body }, signal);
      if (answer.status < 400) return api.read(Robot, answer);
      if (!(answer.status === 400 && answer.text.includes(EXISTS))) throw api.refusal(answer);
      const robot = await operations.getRobot(short, signal);
      // Deleted between the two: the next run makes it.
      if (!robot) throw new QuayError('unavailable', `${answer.what}: the robot exists and cannot be found`);
      return robot;
    },

    async deleteRobot(short, signal) {
      const answer = await api.ask({ method: 'DELETE', path: path(short) }, signal);
      api.requireGone(answer, ABSENT);
    },

    async regenerateRobot(short, signal) {
      const answer = await api.ask({ method: 'POST', path: `${path(short)}/regenerate` }, signal);
      if (isAbsent(answer)) return undefined;
      if (answer.status >= 400) throw api.refusal(answer);
      return api.read(Robot, answer);
    },
  };
  return operations;
}

/** Quay says 400 where others say 404. */
function isAbsent({ status, text }: QuayAnswer): boolean {
  return status === 404 || (status === 400 && text.includes(ABSENT));
}
