/** Notifications of a repository (spec A.3.13 to A.3.17). */
import type * as z from 'zod/mini';
import { readAnswer, refusal, requireGone } from './answer.ts';
import { Notification, NotificationList } from './answer-schemas.ts';
import type { QuayApi } from './api.ts';
import type { NotificationOperations, QuayNotification } from './client.ts';
import { requireRepositoryName, requireUuid } from './names.ts';

const ABSENT = 'No repository notification found';

export function notificationOperations(api: QuayApi): NotificationOperations {
  // With a slash at the end: without it Quay redirects (A.1).
  const path = (name: string) =>
    `/repository/${api.organization}/${requireRepositoryName(name)}/notification/`;
  const one = (name: string, uuid: string) => path(name) + requireUuid(uuid);

  const operations: NotificationOperations = {
    async listNotifications(name, signal) {
      const answer = await api.ask({ method: 'GET', path: path(name) }, signal);
      if (answer.status >= 400) throw refusal(answer);
      return readAnswer(NotificationList, answer).notifications.map(toNotification);
    },

    async createNotification(name, { title, event, method, config }, signal) {
      const body = { title, event, method, config, eventConfig: {} };
      const request = { method: 'POST', path: path(name), body, once: true } as const;
      for (let tries = 0; ; tries++) {
        try {
          const answer = await api.ask(request, signal);
          if (answer.status === 404) throw refusal(answer, 'missing');
          if (answer.status >= 400) throw refusal(answer);
          return toNotification(readAnswer(Notification, answer));
        } catch (error) {
          if (!(await api.pauseBefore(tries, error, signal))) throw error;
        }
        // Titles are not unique: what was made although its answer was lost is not made again (10.3).
        const found = (await operations.listNotifications(name, signal)).find(
          (other) => other.title === title,
        );
        if (found) return found;
      }
    },

    async deleteNotification(name, uuid, signal) {
      const answer = await api.ask({ method: 'DELETE', path: one(name, uuid) }, signal);
      requireGone(answer, ABSENT);
    },

    async resetNotification(name, uuid, signal) {
      const answer = await api.ask({ method: 'POST', path: one(name, uuid) }, signal);
      requireGone(answer, ABSENT);
    },
  };
  return operations;
}

function toNotification(answer: z.infer<typeof Notification>): QuayNotification {
  const { uuid, title, event, method, config, number_of_failures: failures } = answer;
  return {
    uuid,
    title: title ?? '',
    event,
    method,
    config: {
      ...(typeof config?.url === 'string' && { url: config.url }),
      ...(typeof config?.email === 'string' && { email: config.email }),
    },
    numberOfFailures: failures ?? 0,
  };
}
