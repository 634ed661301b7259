/** Requests that look like objects and are never stored: tokens for service accounts, and who may do what. */
import { timestamp } from './api-object.ts';
import { SERVICE_ACCOUNT_RESOURCE } from './builtin/service-account.ts';
import { invalidValue } from './problems.ts';
import type { ServerContext } from './server-context.ts';
import { invalid } from './status-error.ts';
import { requireStored } from './target.ts';
import { ISSUER, type User } from './tokens.ts';
import { isTree, treeAt, valueAt } from './tree.ts';

const SHORTEST_TOKEN_S = 600;
const USUAL_TOKEN_S = 3600;
const LONGEST_TOKEN_S = 24 * 3600;

/**
 * `POST …/serviceaccounts/<name>/token`: a token that lives `spec.expirationSeconds` (10 min to a day).
 * @throws StatusError 404, 422
 */
export function requestToken(
  context: ServerContext,
  namespace: string,
  name: string,
  body: unknown,
  dryRun: boolean,
): object {
  const definition = SERVICE_ACCOUNT_RESOURCE;
  const target = { definition, version: 'v1', namespace, name, subresource: 'token' };
  const { metadata } = requireStored(context, target).object;
  const spec = treeAt(body, 'spec');
  const seconds = Number(spec.expirationSeconds || USUAL_TOKEN_S);
  const subject = { group: 'authentication.k8s.io', kind: 'TokenRequest' };
  if (!(seconds >= SHORTEST_TOKEN_S)) {
    const why = 'may not specify a duration less than 10 minutes';
    throw invalid(subject, '', [invalidValue('spec.expirationSeconds', seconds, why)]);
  }
  const audiences = Array.isArray(spec.audiences) ? spec.audiences.map(String) : [];
  const identity = { namespace, name, uid: metadata.uid ?? '' };
  const lasts = Math.min(seconds, LONGEST_TOKEN_S);
  const { token, expires } = context.tokens.issue(identity, audiences, lasts);
  return {
    kind: 'TokenRequest',
    apiVersion: 'authentication.k8s.io/v1',
    metadata: { name, namespace, creationTimestamp: timestamp(context.now()) },
    spec: {
      audiences: audiences.length > 0 ? audiences : [ISSUER],
      expirationSeconds: lasts,
      boundObjectRef: spec.boundObjectRef ?? null,
    },
    status: { token: dryRun ? '' : token, expirationTimestamp: timestamp(expires) },
  };
}

const REVIEWS = new Set([
  'authentication.k8s.io/selfsubjectreviews',
  'authorization.k8s.io/selfsubjectaccessreviews',
  'authorization.k8s.io/selfsubjectrulesreviews',
]);

export function isReview(group: string, plural: string): boolean {
  return REVIEWS.has(`${group}/${plural}`);
}

/** The reviews about the caller, by the plural in their path; undefined: there is no such review. */
export function reviewSelf(
  context: ServerContext,
  group: string,
  plural: string,
  user: User,
  body: unknown,
): object | undefined {
  const apiVersion = `${group}/v1`;
  const spec = isTree(valueAt(body, 'spec')) ? treeAt(body, 'spec') : {};
  const metadata = { creationTimestamp: null };
  switch (`${group}/${plural}`) {
    case 'authentication.k8s.io/selfsubjectreviews': {
      const { username, uid, groups } = user;
      const userInfo = { username, ...(uid && { uid }), groups };
      const created = { creationTimestamp: timestamp(context.now()) };
      return { kind: 'SelfSubjectReview', apiVersion, metadata: created, status: { userInfo } };
    }
    case 'authorization.k8s.io/selfsubjectaccessreviews': {
      const status = { allowed: true, reason: 'every authenticated caller may do everything here' };
      return { kind: 'SelfSubjectAccessReview', apiVersion, metadata, spec, status };
    }
    case 'authorization.k8s.io/selfsubjectrulesreviews': {
      const status = {
        resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }],
        nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
        incomplete: false,
      };
      return { kind: 'SelfSubjectRulesReview', apiVersion, metadata, spec: {}, status };
    }
    default:
      return undefined;
  }
}
