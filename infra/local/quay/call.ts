/** One request as an endpoint sees it, and who asks (spec A.2 "Authentication failures"). */
import { e1, e3, invalid, unauthorized } from './refusal.ts';
import type { Organization, QuayState, QuayToken, Repository, Scope } from './state.ts';

export interface Call {
  method: string;
  /** Below the API's prefix, decoded, e.g. `repository/my-org/test-ns/x`. */
  path: string;
  query: URLSearchParams;
  /** Parsed JSON; undefined: there was none. */
  body: unknown;
  authorization: string | undefined;
  state: QuayState;
  now: number;
}

/** Who asks. @throws QuayRefusal as Quay's two guards do: writes with a bad token look like a CSRF attack */
export function requireToken({ method, authorization, state }: Call): QuayToken {
  const value = /^Bearer (.+)$/.exec(authorization ?? '')?.[1];
  const token = value === undefined ? undefined : state.tokens[value];
  if (token && !token.expired) return token;
  if (method === 'GET' || method === 'HEAD') throw e1(401, 'invalid_token', 'Requires authentication');
  throw e3(403, 'CSRF token was invalid or missing.');
}

/** The organization of a request by one of its admins. @throws QuayRefusal; also for one that does not exist */
export function requireOrganization(call: Call, name: string, scope: Scope): Organization {
  const token = requireToken(call);
  const organization = call.state.organizations[name];
  const allowed = organization?.admins.includes(token.user) && token.scopes.includes(scope);
  if (!organization || !allowed) throw unauthorized();
  return organization;
}

/** A repository, or undefined when it does not exist. @throws QuayRefusal when the organization is out of reach */
export function findRepository(
  call: Call,
  { org, name }: { org: string; name: string },
  scope: Scope,
): { organization: Organization; repository: Repository | undefined } {
  const organization = requireOrganization(call, org, scope);
  return { organization, repository: organization.repositories[name] };
}

/** The body as an object. @throws QuayRefusal */
export function requireBody(call: Call, required: string[] = []): Record<string, unknown> {
  const { body } = call;
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw invalid('Missing JSON body');
  for (const name of required) {
    if (!(name in body)) throw invalid(`'${name}' is a required property`);
  }
  return body as Record<string, unknown>;
}

/** A member that must be a text. @throws QuayRefusal */
export function requireText(body: Record<string, unknown>, name: string): string {
  const value = body[name];
  if (typeof value !== 'string') throw invalid(`${JSON.stringify(value)} is not of type 'string'`);
  return value;
}

/** @throws QuayRefusal */
export function requireOneOf(body: Record<string, unknown>, name: string, allowed: string[]): string {
  const value = requireText(body, name);
  if (!allowed.includes(value)) {
    throw invalid(`'${value}' is not one of [${allowed.map((text) => `'${text}'`).join(', ')}]`);
  }
  return value;
}
