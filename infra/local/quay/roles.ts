/** Who may do what with a repository (spec A.3.9 to A.3.11). */
import { type Answer, answerJson } from '../registry/answer.ts';
import { type Call, findRepository, requireBody, requireOneOf } from './call.ts';
import { broken, invalid } from './refusal.ts';
import type { RepositoryPath } from './repositories.ts';
import type { Organization } from './state.ts';

export interface RolePath extends RepositoryPath {
  account: string;
}

export function setRole(call: Call, { account, ...at }: RolePath): Answer {
  const { organization, repository } = findRepository(call, at, 'repo:admin');
  const role = requireOneOf(requireBody(call, ['role']), 'role', ['read', 'write', 'admin']);
  // Quay breaks over a repository that does not exist.
  if (!repository) throw broken();
  requireAccount(call, organization, at.org, account);
  repository.roles[account] = role;
  return answerJson(200, view(account, role));
}

export function removeRole(call: Call, { account, ...at }: RolePath): Answer {
  const { repository } = findRepository(call, at, 'repo:admin');
  if (!repository?.roles[account]) throw invalid('User does not have permission for repo.');
  delete repository.roles[account];
  return { status: 204, headers: {} };
}

export function listRoles(call: Call, at: RepositoryPath): Answer {
  const { repository } = findRepository(call, at, 'repo:admin');
  const roles = Object.entries(repository?.roles ?? {});
  return answerJson(200, {
    permissions: Object.fromEntries(roles.map(([account, role]) => [account, view(account, role)])),
  });
}

function requireAccount(call: Call, organization: Organization, org: string, account: string): void {
  const [owner, short] = account.split('+') as [string, string | undefined];
  if (short === undefined) {
    const users = Object.values(call.state.tokens).map(({ user }) => user);
    if (!users.includes(account)) throw invalid(`Invalid username: ${account}`);
  } else if (owner !== org) {
    throw invalid(`Cannot add robot ${account} under namespace ${org}`);
  } else if (!organization.robots[short]) {
    throw invalid(`Invalid robot: ${account}`);
  }
}

function view(name: string, role: string) {
  return { role, name, is_robot: name.includes('+'), is_org_member: true };
}
