/** Repositories (spec A.3.1 to A.3.4, A.3.12). */

import { type QuayAnswer, readAnswer, refusal, requireGone } from './answer.ts';
import { CreatedRepository, Repository, RepositoryPage, VisibilityChange } from './answer-schemas.ts';
import type { QuayApi } from './api.ts';
import type { Created, RepositoryOperations } from './client.ts';
import { QuayError } from './errors.ts';
import { isRepositoryName, LONGEST_REPOSITORY, requireRepositoryName } from './names.ts';

const EXISTS = 'Repository already exists';

export function repositoryOperations(api: QuayApi): RepositoryOperations {
  const path = (name: string) => `/repository/${api.organization}/${requireRepositoryName(name)}`;

  const operations: RepositoryOperations = {
    async createRepository({ name, visibility, description }, signal) {
      if (!isRepositoryName(name)) return { kind: 'refused', status: 400, text: nameProblem(name) };
      const body = { namespace: api.organization, repository: name, visibility, description };
      const answer = await api.ask({ method: 'POST', path: '/repository', body }, signal);
      const refused = refusedCreation(answer);
      if (refused) return refused;
      try {
        readAnswer(CreatedRepository, answer);
      } catch (error) {
        // 2xx with a body that is none of Quay's: the repository itself tells whether it was made (10.2).
        if (!(await operations.getRepository(name, signal))) throw error;
        // Nobody knows since when: what may have been there before is not ours to take back.
        return { kind: 'exists' };
      }
      return { kind: 'created' };
    },

    async getRepository(name, signal) {
      // Without this, Quay adds up to 500 tags to its answer.
      const request = { method: 'GET', path: `${path(name)}?includeTags=false` } as const;
      const answer = await api.ask(request, signal);
      if (answer.status === 404) return undefined;
      if (answer.status >= 400) throw refusal(answer);
      return { isPublic: readAnswer(Repository, answer).is_public };
    },

    async changeVisibility(name, visibility, signal) {
      const request = {
        method: 'POST',
        path: `${path(name)}/changevisibility`,
        body: { visibility },
      } as const;
      const answer = await api.ask(request, signal);
      if (answer.status === 402) return 'planLimit';
      if (answer.status === 404) return 'missing';
      if (answer.status >= 400) throw refusal(answer);
      return readAnswer(VisibilityChange, answer) === null ? 'missing' : 'ok';
    },

    async deleteRepository(name, signal) {
      const answer = await api.ask({ method: 'DELETE', path: path(name) }, signal);
      requireGone(answer);
    },

    async listRepositories(page, signal) {
      const query = new URLSearchParams({ namespace: api.organization, last_modified: 'true' });
      if (page !== undefined) query.set('next_page', page);
      const answer = await api.ask({ method: 'GET', path: `/repository?${query}` }, signal);
      if (answer.status >= 400) throw refusal(answer);
      const { repositories, next_page: next } = readAnswer(RepositoryPage, answer);
      if (next && next === page) {
        throw new QuayError('unavailable', `${answer.what}: the next page is the one that was read`);
      }
      return { names: repositories.map((repository) => repository.name), ...(next && { next }) };
    },
  };
  return operations;
}

/**
 * 400 and 402 are for good, and whatever else Quay may say of a request (decisions "Creation").
 * @throws QuayError `configuration` where nothing takes repositories: no object fails for an address that is wrong
 */
function refusedCreation(answer: QuayAnswer): Created | undefined {
  const { status, text } = answer;
  if (status < 400) return undefined;
  if (status === 402) return { kind: 'planLimit' };
  if (status === 400 && text.includes(EXISTS)) return { kind: 'exists' };
  if (status === 404 || status === 405) throw refusal(answer, 'configuration');
  return { kind: 'refused', status, text };
}

function nameProblem(name: string): string {
  return name.length > LONGEST_REPOSITORY
    ? `the repository name has ${name.length} characters, Quay accepts at most ${LONGEST_REPOSITORY}`
    : `'${name}' is no valid Quay repository name`;
}
