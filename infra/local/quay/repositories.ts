/** Repositories (spec A.3.1 to A.3.4, A.3.12). */
import { type Answer, answerJson } from '../registry/answer.ts';
import {
  type Call,
  findRepository,
  requireBody,
  requireOneOf,
  requireOrganization,
  requireText,
  requireToken,
} from './call.ts';
import { e1, invalid, notFound } from './refusal.ts';
import type { Organization } from './state.ts';

const NAME = /^(?=.{0,255}$)[a-z0-9][.a-z0-9_-]*(?:\/[a-z0-9][.a-z0-9_-]*)*$/;
const PAGE_SIZE = 100;
const MOST_TAGS = 500;

export interface RepositoryPath {
  org: string;
  name: string;
}

/** In Quay's order: a repository that exists is found before the plan and the name are looked at. */
export function createRepository(call: Call): Answer {
  const token = requireToken(call);
  const body = requireBody(call, ['repository', 'visibility', 'description']);
  const org = body.namespace === undefined ? token.user : requireText(body, 'namespace');
  const name = requireText(body, 'repository');
  const visibility = requireOneOf(body, 'visibility', ['public', 'private']);
  const description = requireText(body, 'description');
  const organization = requireOrganization(call, org, 'repo:create');
  if (organization.repositories[name]) throw invalid('Repository already exists');
  if (visibility === 'private') requirePlan(organization);
  if (!NAME.test(name)) throw invalid('Invalid repository name');
  organization.repositories[name] = {
    isPublic: visibility === 'public',
    description,
    roles: { [token.user]: 'admin' },
    notifications: [],
    tags: {},
    manifests: [],
  };
  return answerJson(201, { namespace: org, name, kind: 'image' });
}

export function getRepository(call: Call, at: RepositoryPath): Answer {
  const repository = call.state.organizations[at.org]?.repositories[at.name];
  // Everybody reads what is public, with a token that is good for nothing too.
  if (!repository?.isPublic && !findRepository(call, at, 'repo:read').repository) throw notFound();
  if (!repository) throw notFound();
  const tags = Object.entries(repository.tags).slice(0, MOST_TAGS);
  return answerJson(200, {
    namespace: at.org,
    name: at.name,
    kind: 'image',
    description: repository.description,
    is_public: repository.isPublic,
    is_organization: true,
    is_starred: false,
    status_token: '',
    trust_enabled: false,
    tag_expiration_s: 1_209_600,
    is_free_account: false,
    state: 'NORMAL',
    can_write: true,
    can_admin: true,
    ...(call.query.get('includeTags') !== 'false' && {
      tags: Object.fromEntries(tags.map(([name, digest]) => [name, { name, manifest_digest: digest }])),
    }),
  });
}

export function changeVisibility(call: Call, at: RepositoryPath): Answer {
  const { organization, repository } = findRepository(call, at, 'repo:admin');
  const visibility = requireOneOf(requireBody(call, ['visibility']), 'visibility', ['public', 'private']);
  if (!repository) return answerJson(200, null);
  if (visibility === 'private') requirePlan(organization);
  repository.isPublic = visibility === 'public';
  return answerJson(200, { success: true });
}

/** Also for a repository that does not exist. */
export function deleteRepository(call: Call, at: RepositoryPath): Answer {
  const { organization } = findRepository(call, at, 'repo:admin');
  delete organization.repositories[at.name];
  return { status: 204, headers: {} };
}

export function listRepositories(call: Call): Answer {
  const org = call.query.get('namespace');
  if (!org && !call.query.has('starred') && !call.query.has('public')) {
    throw invalid("Request must contain one of 'starred', 'public' or 'namespace'");
  }
  const { repositories } = requireOrganization(call, org ?? '', 'repo:read');
  const start = Number(Buffer.from(call.query.get('next_page') ?? '', 'base64url').toString() || 0);
  const names = Object.keys(repositories).sort();
  const page = names.slice(start, start + PAGE_SIZE).map((name) => ({
    namespace: org,
    name,
    description: repositories[name]!.description,
    is_public: repositories[name]!.isPublic,
    kind: 'image',
    state: 'NORMAL',
    last_modified: null,
    is_starred: false,
  }));
  const end = start + page.length;
  const next = end < names.length ? { next_page: Buffer.from(String(end)).toString('base64url') } : {};
  return answerJson(200, { repositories: page, ...next });
}

/** Also refuses what is private already: Quay counts before it looks (A.3.3). */
function requirePlan({ privateLimit, repositories }: Organization): void {
  if (privateLimit === undefined) return;
  const used = Object.values(repositories).filter((repository) => !repository.isPublic).length;
  if (used >= privateLimit) throw e1(402, 'exceeds_license', 'Payment Required');
}
