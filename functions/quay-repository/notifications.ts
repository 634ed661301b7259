/** Notifications of a repository (spec 8.8): those of the spec exist as it says, those that it dropped go. */
import type {
  QuayImageRepository,
  SpecNotification,
  StatusNotification,
} from '../../shared/api/quay-image-repository.ts';
import type { QuayNotification } from '../../shared/quay/client.ts';
import { QuayError } from '../../shared/quay/errors.ts';
import { declareMissing } from './missing.ts';
import { imageNameOf } from './names.ts';
import type { Site } from './site.ts';
import { writeStatus } from './writes.ts';

/** What is known to exist, and what went wrong with the rest. */
export interface Notified {
  notifications: StatusNotification[];
  /** One of the four messages; undefined: all is well. */
  problem: string | undefined;
  changed: boolean;
  /** The repository does not exist. */
  missing: boolean;
}

const PROBLEM = {
  list: () => "Couldn't retrieve all Quay notifications",
  add: (title: string) => `Error while adding a notification (${title}) to Quay`,
  update: (title: string) => `Error while updating notification (${title})`,
  delete: (title: string) => `Error while deleting a notification (${title}) to Quay`,
};
const OURS = [
  /^Couldn't retrieve all Quay notifications$/,
  /^Error while (adding a|updating|deleting a) notification \(.*\)( to Quay)?$/s,
];

type Wanted = Omit<QuayNotification, 'uuid' | 'numberOfFailures'>;

/** Ladder step 18. Answers with the object as it is afterwards, whatever Quay refused. */
export async function convergeNotifications(
  site: Site,
  object: QuayImageRepository,
): Promise<QuayImageRepository> {
  const { message } = object.status ?? {};
  const outcome = await converge(site, imageNameOf(object, site), object, { mayBeMissing: true });
  if (outcome.missing) return await declareMissing(site, object);
  const { notifications, problem, changed } = outcome;
  const cleared = changed || isOurMessage(message) ? undefined : message;
  return await writeStatus(site, object, {
    notifications: notifications.length > 0 ? notifications : undefined,
    message: problem ?? cleared,
  });
}

/**
 * Adds and updates in the order of the spec, then deletes in the order of the status. Ends at the first thing that Quay
 * does not accept.
 * @param options.mayBeMissing look whether the repository exists before anything is changed: these calls do not tell
 * @throws QuayError what time or an operator repairs
 */
export async function converge(
  site: Site,
  imageName: string,
  object: QuayImageRepository,
  options: { mayBeMissing: boolean },
): Promise<Notified> {
  const { quay, run } = site;
  const wanted = byTitle(object.spec?.notifications ?? []);
  const notifications = [...(object.status?.notifications ?? [])];
  const outcome: Notified = { notifications, problem: undefined, changed: false, missing: false };
  if (wanted.size === 0 && notifications.length === 0) return outcome;
  let doing = PROBLEM.list();
  let looked = !options.mayBeMissing;

  const begin = async (what: string): Promise<boolean> => {
    doing = what;
    if (looked) return true;
    looked = true;
    outcome.missing = (await quay.getRepository(imageName, run.signal)) === undefined;
    return !outcome.missing;
  };
  const remember = (title: string, uuid: string) => {
    outcome.changed = true;
    const at = notifications.findIndex((each) => each.title === title);
    if (at < 0) notifications.push({ title, uuid });
    else notifications[at] = { title, uuid };
  };

  try {
    const existing = await quay.listNotifications(imageName, run.signal);
    for (const [title, entry] of wanted) {
      const known = notifications.find((each) => each.title === title);
      // One of the same title may be what a run made that could not tell of it.
      const stored =
        existing.find(({ uuid }) => uuid === known?.uuid) ?? existing.find((each) => each.title === title);
      if (stored && isSame(stored, entry)) {
        if (stored.uuid !== known?.uuid) remember(title, stored.uuid);
        continue;
      }
      if (!(await begin(stored ? PROBLEM.update(title) : PROBLEM.add(title)))) return outcome;
      const wish = complete(title, entry);
      if (stored) await quay.deleteNotification(imageName, stored.uuid, run.signal);
      remember(title, (await quay.createNotification(imageName, wish, run.signal)).uuid);
    }
    for (const entry of [...notifications]) {
      const { title = '', uuid } = entry;
      if (wanted.has(title)) continue;
      if (!(await begin(PROBLEM.delete(title)))) return outcome;
      if (uuid) await quay.deleteNotification(imageName, uuid, run.signal);
      notifications.splice(notifications.indexOf(entry), 1);
      outcome.changed = true;
    }
  } catch (error) {
    if (!(error instanceof QuayError) || (!error.isRefusal && error.kind !== 'missing')) throw error;
    run.log.error(`${doing}: ${error.message}`, { audit: 'true' });
    outcome.problem = doing;
  }
  return outcome;
}

/** A title names one notification: further entries of the same title are left out. */
function byTitle(entries: readonly SpecNotification[]): Map<string, SpecNotification> {
  const result = new Map<string, SpecNotification>();
  for (const entry of entries) {
    const title = entry.title ?? '';
    if (!result.has(title)) result.set(title, entry);
  }
  return result;
}

function isSame(stored: QuayNotification, { title, event, method, config }: SpecNotification): boolean {
  const wanted = configOf(method, config);
  return (
    stored.title === (title ?? '') &&
    stored.event === event &&
    stored.method === method &&
    stored.config.url === wanted.url &&
    stored.config.email === wanted.email
  );
}

/** @throws QuayError `refused` for an entry that Quay would only answer with a failure of its own (A.3.14) */
function complete(title: string, { event, method, config }: SpecNotification): Wanted {
  if (!event || !method)
    throw new QuayError('refused', `notification '${title}' needs an event and a method`);
  return { title, event, method, config: configOf(method, config) };
}

function configOf(method: string | undefined, config: SpecNotification['config'] = {}): Wanted['config'] {
  if (method === 'email') return config.email === undefined ? {} : { email: config.email };
  return config.url === undefined ? {} : { url: config.url };
}

function isOurMessage(message: string | undefined): boolean {
  return message !== undefined && OURS.some((pattern) => pattern.test(message));
}
