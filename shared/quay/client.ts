/** The Quay client: what can be asked (spec A.5). `api.ts` knows how, the files beside it what each answer means. */
import type { Clock } from '../runtime/clock.ts';
import { type Logger, silentLogger } from '../runtime/logger.ts';
import type { Settings } from '../runtime/settings.ts';
import type { QuayAccess } from './access.ts';
import { QuayApi } from './api.ts';
import { contentOperations } from './contents.ts';
import { notificationOperations } from './notifications.ts';
import { repositoryOperations } from './repositories.ts';
import { paceOf, type RequestPace } from './request-pace.ts';
import { robotOperations } from './robots.ts';
import { roleOperations } from './roles.ts';

export type Visibility = 'public' | 'private';

/** How a creation ended; what time or an operator repairs is thrown (decisions "Creation"). */
export type Created =
  | { kind: 'created' }
  | { kind: 'exists' }
  | { kind: 'planLimit' }
  /** For good. `text` is what Quay said, empty when it said nothing. */
  | { kind: 'refused'; status: number; text: string };

export interface Robot {
  /** Full name, `organization+short`, exactly as Quay returned it. */
  name: string;
  token: string;
}

export interface QuayNotification {
  uuid: string;
  title: string;
  event: string;
  method: string;
  config: { url?: string; email?: string };
  numberOfFailures: number;
}

/** Repositories of one organization. `name` is the path below the organization, e.g. `ns/app/component`. */
export interface RepositoryOperations {
  createRepository(
    repository: { name: string; visibility: Visibility; description: string },
    signal: AbortSignal,
  ): Promise<Created>;
  /** Undefined: there is none. */
  getRepository(name: string, signal: AbortSignal): Promise<{ isPublic: boolean } | undefined>;
  changeVisibility(
    name: string,
    visibility: Visibility,
    signal: AbortSignal,
  ): Promise<'ok' | 'planLimit' | 'missing'>;
  /** What does not exist is fine. */
  deleteRepository(name: string, signal: AbortSignal): Promise<void>;
  /** A page of the names; `next` is what to pass for the page after it. */
  listRepositories(
    page: string | undefined,
    signal: AbortSignal,
  ): Promise<{ names: string[]; next?: string }>;
}

/** Robots of the organization; `short` is the name without the organization (a full one is shortened). */
export interface RobotOperations {
  /** Undefined: there is none. */
  getRobot(short: string, signal: AbortSignal): Promise<Robot | undefined>;
  /** Creates it; one that exists is given as it is. */
  ensureRobot(short: string, signal: AbortSignal): Promise<Robot>;
  /**
   * Creates it for one repository, whose name is written into its description, or gives the one that is this
   * repository's. Undefined: it is another's, and its token is nobody else's business.
   */
  claimRobot(short: string, repository: string, signal: AbortSignal): Promise<Robot | undefined>;
  /** Deletes it, unless it is another repository's. What does not exist is fine. */
  releaseRobot(short: string, repository: string, signal: AbortSignal): Promise<void>;
  /** What does not exist is fine. */
  deleteRobot(short: string, signal: AbortSignal): Promise<void>;
  /** The old token ends at once. Undefined: there is no such robot. */
  regenerateRobot(short: string, signal: AbortSignal): Promise<Robot | undefined>;
}

export interface RoleOperations {
  /** @throws QuayError `missing` when the repository does not exist */
  setRole(name: string, fullName: string, role: 'read' | 'write', signal: AbortSignal): Promise<void>;
  /** What does not exist is fine. */
  removeRole(name: string, fullName: string, signal: AbortSignal): Promise<void>;
}

export interface NotificationOperations {
  /** Of a repository that does not exist: none (A.3.13). */
  listNotifications(name: string, signal: AbortSignal): Promise<QuayNotification[]>;
  /** @throws QuayError `refused` with Quay's reason, `missing` when the repository does not exist */
  createNotification(
    name: string,
    notification: Omit<QuayNotification, 'uuid' | 'numberOfFailures'>,
    signal: AbortSignal,
  ): Promise<QuayNotification>;
  /** What does not exist is fine. */
  deleteNotification(name: string, uuid: string, signal: AbortSignal): Promise<void>;
  /** What does not exist is fine. */
  resetNotification(name: string, uuid: string, signal: AbortSignal): Promise<void>;
}

export interface ContentOperations {
  /** @param page from 1 on. @throws QuayError `missing` when the repository does not exist */
  listTags(
    name: string,
    page: number,
    signal: AbortSignal,
  ): Promise<{ tags: { name: string; digest: string }[]; more: boolean }>;
  /** What does not exist is fine. */
  deleteTag(name: string, tag: string, signal: AbortSignal): Promise<void>;
  manifestExists(name: string, digest: string, signal: AbortSignal): Promise<boolean>;
}

/** One organization, for one run. Every method throws `QuayError`, for names that Quay would refuse without a request. */
export interface QuayClient
  extends RepositoryOperations,
    RobotOperations,
    RoleOperations,
    NotificationOperations,
    ContentOperations {}

export interface QuayOptions {
  clock: Clock;
  settings: Pick<
    Settings,
    'allow-private-addresses' | 'allow-loopback-addresses' | 'quay-requests-per-second'
  >;
  /** Milliseconds since 1970 at which the run ends: nothing is waited for beyond it. */
  deadline?: number;
  /** Takes the secrets of the run out of texts of Quay: `RunSecrets.scrub`. */
  scrub?: (text: string) => string;
  log?: Logger;
  /** Told of each request whether Quay did its part: it answered, and knows us. A refusal of what was asked is an answer. */
  onUse?: (worked: boolean) => void;
  /** By default the one of this process towards this Quay. */
  pace?: RequestPace;
}

/** How reconcilers get a client: injected, so that tests can put something between. */
export type OpenQuay = (access: QuayAccess, options: QuayOptions) => QuayClient;

/** The organization of `access`. Nothing is sent yet. */
export const openQuay: OpenQuay = (access, options) => {
  const { clock, settings, deadline = Number.POSITIVE_INFINITY } = options;
  const { apiUrl, organization, token, tls, proxyFor } = access;
  const reach = {
    private: settings['allow-private-addresses'],
    loopback: settings['allow-loopback-addresses'],
  };
  const api = new QuayApi({
    apiUrl,
    organization,
    token,
    route: { tls, skipVerify: false, proxyFor, reach },
    reach,
    pace: options.pace ?? paceOf(apiUrl, settings['quay-requests-per-second'], clock),
    clock,
    deadline,
    scrub: options.scrub ?? ((text) => text),
    log: options.log ?? silentLogger,
    onUse: options.onUse,
  });
  const repositories = repositoryOperations(api);
  return {
    ...repositories,
    ...robotOperations(api),
    ...roleOperations(api, repositories.getRepository),
    ...notificationOperations(api),
    ...contentOperations(api),
  };
};
