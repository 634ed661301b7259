/** Robot accounts (spec A.3.5 to A.3.8). */
import { type Answer, answerJson } from '../registry/answer.ts';
import { type Call, requireOrganization } from './call.ts';
import { e2, invalid } from './refusal.ts';
import { newRobotToken, type Organization, quayTime, type RobotAccount } from './state.ts';

const NAME = /^([a-z0-9]+(?:[._-][a-z0-9]+)*)$/;
const LONGEST_DESCRIPTION = 255;

export interface RobotPath {
  org: string;
  short: string;
}

export function createRobot(call: Call, { org, short }: RobotPath): Answer {
  const organization = requireOrganization(call, org, 'org:admin');
  const { description = '' } = (call.body ?? {}) as { description?: unknown };
  if (typeof description !== 'string' || description.length > LONGEST_DESCRIPTION) {
    throw invalid(`${JSON.stringify(description)} is too long`);
  }
  if (organization.robotsDisabled) {
    throw invalid('Robot accounts have been disabled. Please contact your administrator.');
  }
  if (!NAME.test(short) || short.length < 2 || short.length > 255) {
    throw invalid(
      `The name for the robot '${short}' is invalid: robot names must match expression ${NAME.source}`,
    );
  }
  if (organization.robots[short]) throw invalid(`Existing robot with name: ${org}+${short}`);
  const robot = { token: newRobotToken(), description, created: quayTime(call.now) };
  organization.robots[short] = robot;
  return answerJson(201, view(org, short, robot));
}

export function getRobot(call: Call, { org, short }: RobotPath): Answer {
  const { robot } = requireRobot(call, { org, short });
  return answerJson(200, view(org, short, robot));
}

export function listRobots(call: Call, { org }: { org: string }): Answer {
  const { robots } = requireOrganization(call, org, 'org:admin');
  const limit = Number(call.query.get('limit') ?? Number.POSITIVE_INFINITY);
  const listed = Object.entries(robots).slice(0, limit);
  const withToken = call.query.get('token') !== 'false';
  return answerJson(200, {
    robots: listed.map(([short, robot]) => {
      const { token, ...rest } = view(org, short, robot);
      return withToken ? { ...rest, token } : rest;
    }),
  });
}

/** What it may do, repository by repository. Of a robot that does not exist: nothing. */
export function listRobotRights(call: Call, { org, short }: RobotPath): Answer {
  const { repositories } = requireOrganization(call, org, 'org:admin');
  const permissions = Object.entries(repositories).flatMap(([name, { isPublic, roles }]) => {
    const role = roles[`${org}+${short}`];
    return role ? [{ repository: { name, is_public: isPublic }, role }] : [];
  });
  return answerJson(200, { permissions });
}

/** All its roles go with it. */
export function deleteRobot(call: Call, { org, short }: RobotPath): Answer {
  const { organization, robot } = requireRobot(call, { org, short });
  if (robot.mirror) throw invalid('Robot is being used by a mirror');
  delete organization.robots[short];
  for (const { roles } of Object.values(organization.repositories)) delete roles[`${org}+${short}`];
  return { status: 204, headers: {} };
}

export function regenerateRobot(call: Call, { org, short }: RobotPath): Answer {
  const { robot } = requireRobot(call, { org, short });
  robot.token = newRobotToken();
  return answerJson(200, view(org, short, robot));
}

/** Quay says 400 where others say 404. */
function requireRobot(
  call: Call,
  { org, short }: RobotPath,
): { organization: Organization; robot: RobotAccount } {
  const organization = requireOrganization(call, org, 'org:admin');
  const robot = organization.robots[short];
  if (!robot) throw e2(400, 'Could not find robot with specified username');
  return { organization, robot };
}

function view(org: string, short: string, { token, description, created }: RobotAccount) {
  return {
    name: `${org}+${short}`,
    created,
    last_accessed: null,
    description,
    token,
    unstructured_metadata: {},
  };
}
