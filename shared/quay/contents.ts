/** Tags and manifests of a repository (spec A.4.2). */

import { readAnswer, refusal, requireGone } from './answer.ts';
import { TagPage } from './answer-schemas.ts';
import type { QuayApi } from './api.ts';
import type { ContentOperations } from './client.ts';
import { requireDigest, requireRepositoryName, requireTag } from './names.ts';

const PAGE_SIZE = 100;

export function contentOperations(api: QuayApi): ContentOperations {
  const path = (name: string) => `/repository/${api.organization}/${requireRepositoryName(name)}`;

  return {
    async listTags(name, page, signal) {
      const query = `page=${page}&limit=${PAGE_SIZE}&onlyActiveTags=true`;
      const answer = await api.ask({ method: 'GET', path: `${path(name)}/tag/?${query}` }, signal);
      if (answer.status === 404) throw refusal(answer, 'missing');
      if (answer.status >= 400) throw refusal(answer);
      const { tags, has_additional: more } = readAnswer(TagPage, answer);
      return {
        tags: tags.map((tag) => ({ name: tag.name, digest: tag.manifest_digest })),
        more: more ?? false,
      };
    },

    async deleteTag(name, tag, signal) {
      const answer = await api.ask(
        { method: 'DELETE', path: `${path(name)}/tag/${requireTag(tag)}` },
        signal,
      );
      requireGone(answer);
    },

    async manifestExists(name, digest, signal) {
      const request = { method: 'GET', path: `${path(name)}/manifest/${requireDigest(digest)}` } as const;
      const answer = await api.ask(request, signal);
      if (answer.status === 404) return false;
      if (answer.status >= 400) throw refusal(answer);
      return true;
    },
  };
}
