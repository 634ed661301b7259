/** Notifications of a repository (spec A.3.13 to A.3.17), and what they deliver. */
import { type Answer, answerJson } from '../registry/answer.ts';
import { type Call, findRepository, requireBody, requireText } from './call.ts';
import { broken, invalid } from './refusal.ts';
import type { RepositoryPath } from './repositories.ts';
import { newUuid, type Repository, type StoredNotification } from './state.ts';

const EVENTS = ['repo_push', 'build_failure', 'build_success', 'vulnerability_found'];
const METHODS = ['webhook', 'email', 'quay_notification', 'flowdock', 'hipchat', 'slack'];
/** Quay delivers no more after so many failures. */
export const MOST_FAILURES = 3;

export interface NotificationPath extends RepositoryPath {
  uuid: string;
}

/** Of a repository that does not exist: none. */
export function listNotifications(call: Call, at: RepositoryPath): Answer {
  const { repository } = findRepository(call, at, 'repo:admin');
  return answerJson(200, { notifications: (repository?.notifications ?? []).map(view) });
}

export function createNotification(call: Call, at: RepositoryPath): Answer {
  const { repository } = findRepository(call, at, 'repo:admin');
  const body = requireBody(call, ['event', 'method', 'config', 'eventConfig']);
  const [event, method] = [requireText(body, 'event'), requireText(body, 'method')];
  // Quay breaks over what it does not know.
  if (!repository || !EVENTS.includes(event) || !METHODS.includes(method)) throw broken();
  const config = { ...(body.config as Record<string, unknown>) };
  if (method === 'webhook') requireWebhook(config.url);
  if (method === 'email') requireEmail(config.email);
  const title = typeof body.title === 'string' ? body.title : '';
  const created = { uuid: newUuid(), title, event, method, config, failures: 0 };
  repository.notifications.push(created);
  return answerJson(201, view(created));
}

export function deleteNotification(call: Call, at: NotificationPath): Answer {
  const { repository, notification } = requireNotification(call, at);
  repository.notifications = repository.notifications.filter((other) => other !== notification);
  return { status: 204, headers: {} };
}

export function resetNotification(call: Call, at: NotificationPath): Answer {
  requireNotification(call, at).notification.failures = 0;
  return { status: 204, headers: {} };
}

export function testNotification(call: Call, at: NotificationPath): Answer {
  requireNotification(call, at);
  return answerJson(200, {});
}

/** Sends a push to the webhooks of a repository. A failed delivery is counted, never thrown. */
export async function deliverPush(
  repository: Repository,
  push: { name: string; url: string; tag: string },
  signal: AbortSignal,
): Promise<void> {
  const { name, url, tag } = push;
  const body = JSON.stringify({ name, repository: name, docker_url: url, updated_tags: [tag] });
  const webhooks = repository.notifications.filter(
    ({ event, method, failures }) =>
      event === 'repo_push' && method === 'webhook' && failures < MOST_FAILURES,
  );
  for (const webhook of webhooks) {
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(String(webhook.config.url), { method: 'POST', headers, body, signal }).catch(
      () => undefined,
    );
    if (!answer?.ok) webhook.failures += 1;
  }
}

function requireNotification(
  call: Call,
  { uuid, ...at }: NotificationPath,
): { repository: Repository; notification: StoredNotification } {
  const { repository } = findRepository(call, at, 'repo:admin');
  const notification = repository?.notifications.find((other) => other.uuid === uuid);
  if (repository && notification) return { repository, notification };
  throw invalid(`No repository notification found for: ${at.org}, ${at.name}, ${uuid}`);
}

function requireWebhook(url: unknown): void {
  if (typeof url !== 'string' || url === '') throw invalid('Missing webhook URL');
  const parsed = URL.parse(url);
  const barred = ['localhost', '127.0.0.1'].includes(parsed?.hostname ?? 'localhost');
  if (!parsed || !/^https?:$/.test(parsed.protocol) || barred) throw invalid('Invalid webhook URL');
}

/** Quay sends mail only to addresses that have agreed; here those of `example.com` have. */
function requireEmail(email: unknown): void {
  if (typeof email !== 'string' || email === '') throw invalid('Missing e-mail address');
  if (email.endsWith('@example.com')) return;
  throw invalid(
    'The specified e-mail address is not authorized to receive notifications for this repository',
  );
}

function view({ uuid, title, event, method, config, failures }: StoredNotification) {
  return { uuid, title, event, method, config, event_config: {}, number_of_failures: failures };
}
