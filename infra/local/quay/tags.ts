/** Tags and manifests (spec A.4.2). */
import { type Answer, answerJson } from '../registry/answer.ts';
import { type Call, findRepository } from './call.ts';
import { notFound } from './refusal.ts';
import type { RepositoryPath } from './repositories.ts';
import type { Repository, Scope } from './state.ts';

const LARGEST_PAGE = 100;

export function listTags(call: Call, at: RepositoryPath): Answer {
  const { tags } = requireRepository(call, at, 'repo:read');
  const page = Math.max(1, Number(call.query.get('page') ?? 1));
  const limit = Math.min(LARGEST_PAGE, Number(call.query.get('limit') ?? 50));
  const only = call.query.get('specificTag');
  const names = Object.keys(tags).filter((name) => only === null || name === only);
  const shown = names.slice((page - 1) * limit, page * limit);
  return answerJson(200, {
    tags: shown.map((name) => ({
      name,
      reversion: false,
      manifest_digest: tags[name],
      is_manifest_list: false,
    })),
    page,
    has_additional: names.length > page * limit,
  });
}

export function deleteTag(call: Call, { tag, ...at }: RepositoryPath & { tag: string }): Answer {
  const { tags } = requireRepository(call, at, 'repo:write');
  if (tags[tag] === undefined) throw notFound();
  delete tags[tag];
  return { status: 204, headers: {} };
}

export function getManifest(call: Call, { digest, ...at }: RepositoryPath & { digest: string }): Answer {
  if (!requireRepository(call, at, 'repo:read').manifests.includes(digest)) throw notFound();
  return answerJson(200, { digest, is_manifest_list: false });
}

function requireRepository(call: Call, at: RepositoryPath, scope: Scope): Repository {
  const { repository } = findRepository(call, at, scope);
  if (!repository) throw notFound();
  return repository;
}
