/** The paths of Quay's API (spec A.3, A.4.2): the last parts say what is meant, the repository's name may have any number. */
import type { Answer } from '../registry/answer.ts';
import type { Call } from './call.ts';
import * as notifications from './notifications.ts';
import { e2, notFound } from './refusal.ts';
import * as repositories from './repositories.ts';
import * as robots from './robots.ts';
import * as roles from './roles.ts';
import * as tags from './tags.ts';

/** The named groups of the path. */
type Parts = Record<string, string>;
type Endpoint = (call: Call, parts: never) => Answer;

interface Route {
  path: RegExp;
  methods: Partial<Record<string, Endpoint>>;
}

const REPOSITORY = 'repository/(?<org>[^/]+)/(?<name>.+?)';

function route(path: string, methods: Route['methods']): Route {
  return { path: new RegExp(`^${path}$`), methods };
}

/** In this order: what is more exact comes first. */
const ROUTES: Route[] = [
  route('repository', { POST: repositories.createRepository, GET: repositories.listRepositories }),
  route(`${REPOSITORY}/changevisibility`, { POST: repositories.changeVisibility }),
  route(`${REPOSITORY}/permissions/user/?`, { GET: roles.listRoles }),
  route(`${REPOSITORY}/permissions/user/(?<account>[^/]+)`, { PUT: roles.setRole, DELETE: roles.removeRole }),
  route(`${REPOSITORY}/notification/?`, {
    GET: notifications.listNotifications,
    POST: notifications.createNotification,
  }),
  route(`${REPOSITORY}/notification/(?<uuid>[^/]+)/test`, { POST: notifications.testNotification }),
  route(`${REPOSITORY}/notification/(?<uuid>[^/]+)`, {
    DELETE: notifications.deleteNotification,
    POST: notifications.resetNotification,
  }),
  route(`${REPOSITORY}/tag/?`, { GET: tags.listTags }),
  route(`${REPOSITORY}/tag/(?<tag>[^/]+)`, { DELETE: tags.deleteTag }),
  route(`${REPOSITORY}/manifest/(?<digest>[^/]+)`, { GET: tags.getManifest }),
  route(REPOSITORY, { GET: repositories.getRepository, DELETE: repositories.deleteRepository }),
  route('organization/(?<org>[^/]+)/robots', { GET: robots.listRobots }),
  route('organization/(?<org>[^/]+)/robots/(?<short>[^/]+)', {
    PUT: robots.createRobot,
    GET: robots.getRobot,
    DELETE: robots.deleteRobot,
  }),
  route('organization/(?<org>[^/]+)/robots/(?<short>[^/]+)/permissions', { GET: robots.listRobotRights }),
  route('organization/(?<org>[^/]+)/robots/(?<short>[^/]+)/regenerate', { POST: robots.regenerateRobot }),
];

/** Routes that are defined with a slash at their end: what writes without it is sent there (A.1). */
const SLASHED = /\/(notification|tag|permissions\/user)$/;

/** @throws QuayRefusal */
export function answerCall(call: Call): Answer {
  if (call.method !== 'GET' && SLASHED.test(call.path)) {
    return { status: 308, headers: { location: `${call.path.split('/').at(-1)}/` } };
  }
  const found = ROUTES.find(({ path }) => path.test(call.path));
  if (!found) throw notFound();
  const endpoint = found.methods[call.method];
  if (!endpoint) throw e2(405, 'The method is not allowed for the requested URL.');
  const parts: Parts = { ...found.path.exec(call.path)?.groups };
  return endpoint(call, parts as never);
}
