/** What robots may do with a repository (spec A.3.9, A.3.10). */

import { readAnswer, refusal, requireGone } from './answer.ts';
import { Role } from './answer-schemas.ts';
import type { QuayApi } from './api.ts';
import type { RepositoryOperations, RoleOperations } from './client.ts';
import { QuayError } from './errors.ts';
import { requireAccountName, requireRepositoryName } from './names.ts';

const NO_ROLE = 'User does not have permission for repo';

export function roleOperations(
  api: QuayApi,
  getRepository: RepositoryOperations['getRepository'],
): RoleOperations {
  const path = (name: string, fullName: string) =>
    `/repository/${api.organization}/${requireRepositoryName(name)}/permissions/user/${requireAccountName(fullName)}`;

  return {
    async setRole(name, fullName, role, signal) {
      try {
        const answer = await api.ask({ method: 'PUT', path: path(name, fullName), body: { role } }, signal);
        if (answer.status >= 400) throw refusal(answer);
        readAnswer(Role, answer);
      } catch (error) {
        // Quay breaks over a repository that does not exist (A.3.9).
        if (!(error instanceof QuayError) || error.status !== 500) throw error;
        if (await getRepository(name, signal)) throw error;
        const { message, status, text } = error;
        throw new QuayError('missing', `${message} (the repository does not exist)`, { status, text });
      }
    },

    async removeRole(name, fullName, signal) {
      const answer = await api.ask({ method: 'DELETE', path: path(name, fullName) }, signal);
      requireGone(answer, NO_ROLE);
    },
  };
}
