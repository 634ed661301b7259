/** Who may do what: Basic, or Bearer with a token realm of the registry's own (`/token`). */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../../../shared/runtime/clock.ts';
import { type Answer, answerJson } from './answer.ts';
import { RequestError } from './request-error.ts';

export type Action = 'pull' | 'push' | 'delete';

export interface RegistryAuth {
  scheme: 'basic' | 'bearer';
  /** Passwords by user name. */
  users: Record<string, string>;
  /** Decides each access; when left out: every user of `users` may do everything, nobody else anything. */
  allow?: (access: { user: string | undefined; repository: string; action: Action }) => boolean;
  /** Identity tokens that are known from the start: token → user. */
  identityTokens?: Record<string, string>;
  /** Life of a bearer token in seconds, 300 when left out. */
  tokenSeconds?: number;
  /** What the challenge names instead of this registry's `/token`. */
  realm?: string;
  /** Whether the realm knows the POST form; true when left out. */
  tokenPost?: boolean;
}

/** Who sent a request, and what its token grants (none with Basic: the user alone decides). */
interface Caller {
  user: string | undefined;
  grants?: Grant[];
}

interface Grant {
  repository: string;
  actions: Action[];
}

interface IssuedToken {
  caller: Caller;
  expires: number;
}

const SERVICE = 'longshore-local';
const ACTIONS: readonly string[] = ['pull', 'push', 'delete'] satisfies Action[];
const MOST_TOKENS = 10_000;

export class Authority {
  readonly #auth: RegistryAuth;
  readonly #clock: Clock;
  readonly #realm: string;
  readonly #tokens = new Map<string, IssuedToken>();
  readonly #identities: Map<string, string>;

  /** @param url address of the registry, for the challenge */
  constructor(auth: RegistryAuth, url: string, clock: Clock) {
    this.#auth = auth;
    this.#clock = clock;
    this.#realm = auth.realm ?? `${url}/token`;
    this.#identities = new Map(Object.entries(auth.identityTokens ?? {}));
  }

  /** Ends every token: what was issued is refused from now on. Identity tokens stay. */
  revokeTokens(): void {
    this.#tokens.clear();
  }

  /**
   * The user of a request to `/v2/`, which asks for no repository: the ping.
   * @throws RequestError 401 with the challenge when nobody is named, or somebody wrongly
   */
  authenticate(authorization: string | undefined): string | undefined {
    if (authorization === undefined) throw this.#unauthorized('authentication required');
    return this.#caller(authorization).user;
  }

  /**
   * The user of a request to a repository.
   * @throws RequestError 401 with the challenge, or 403 when a user who is known may not
   */
  authorize(authorization: string | undefined, repository: string, action: Action): string | undefined {
    const caller: Caller =
      authorization === undefined ? { user: undefined } : this.#caller(authorization, repository, action);
    if (this.#grants(caller, repository, action)) return caller.user;
    if (authorization === undefined) throw this.#unauthorized('authentication required', repository, action);
    if (caller.grants) {
      throw this.#unauthorized('the token does not cover this', repository, action, 'insufficient_scope');
    }
    throw new RequestError(403, 'DENIED', `${caller.user} may not ${action} ${repository}`);
  }

  /** Whether a caller who has been let in already may also do this (the source of a mount). */
  permits(authorization: string | undefined, repository: string, action: Action): boolean {
    const caller: Caller = authorization === undefined ? { user: undefined } : this.#caller(authorization);
    return this.#grants(caller, repository, action);
  }

  /** `GET /token`: Basic or nobody; as many `scope` parameters as the client likes. */
  answerTokenGet(query: URLSearchParams, authorization: string | undefined): Answer {
    const user = authorization === undefined ? undefined : this.#basicUser(authorization);
    const offline = query.get('offline_token') === 'true' && user !== undefined;
    return this.#issue(user, query.getAll('scope'), offline);
  }

  /** `POST /token`: the OAuth form, with `grant_type` `refresh_token` (an identity token) or `password`. */
  answerTokenPost(form: URLSearchParams): Answer {
    if (this.#auth.tokenPost === false) {
      throw new RequestError(405, 'UNSUPPORTED', 'this realm knows GET only', { allow: 'GET' });
    }
    const scopes = form.getAll('scope').flatMap((scope) => scope.split(' '));
    const offline = form.get('access_type') === 'offline';
    switch (form.get('grant_type')) {
      case 'refresh_token': {
        const identity = form.get('refresh_token') ?? '';
        const user = this.#identities.get(identity);
        if (user === undefined) throw new RequestError(401, 'UNAUTHORIZED', 'unknown refresh token');
        return this.#issue(user, scopes, false, identity);
      }
      case 'password':
        return this.#issue(
          this.#check(form.get('username') ?? '', form.get('password') ?? ''),
          scopes,
          offline,
        );
      default:
        throw new RequestError(400, 'UNSUPPORTED', 'grant_type must be refresh_token or password');
    }
  }

  #caller(authorization: string, repository?: string, action?: Action): Caller {
    if (this.#auth.scheme === 'basic') return { user: this.#basicUser(authorization) };
    const token = /^bearer\s+(\S+)$/i.exec(authorization)?.[1];
    const issued = token === undefined ? undefined : this.#tokens.get(token);
    if (!issued || issued.expires <= this.#clock.now()) {
      throw this.#unauthorized('the token is not valid', repository, action, 'invalid_token');
    }
    return issued.caller;
  }

  #basicUser(authorization: string): string {
    const encoded = /^basic\s+(\S+)$/i.exec(authorization)?.[1];
    if (encoded === undefined) throw basicRequired('Basic credentials required');
    const pair = Buffer.from(encoded, 'base64').toString();
    const colon = pair.indexOf(':');
    return this.#check(pair.slice(0, Math.max(0, colon)), pair.slice(colon + 1));
  }

  #check(user: string, password: string): string {
    const expected = Object.hasOwn(this.#auth.users, user) ? this.#auth.users[user]! : undefined;
    if (expected === undefined || !sameText(expected, password)) {
      throw basicRequired('wrong user name or password');
    }
    return user;
  }

  #grants(caller: Caller, repository: string, action: Action): boolean {
    if (caller.grants) {
      return caller.grants.some((grant) => grant.repository === repository && grant.actions.includes(action));
    }
    return this.#allows(caller.user, repository, action);
  }

  #allows(user: string | undefined, repository: string, action: Action): boolean {
    return this.#auth.allow?.({ user, repository, action }) ?? user !== undefined;
  }

  #issue(user: string | undefined, scopes: string[], offline: boolean, identity?: string): Answer {
    const grants = scopes.flatMap((scope) => this.#grantOf(user, scope));
    const seconds = this.#auth.tokenSeconds ?? 300;
    const now = this.#clock.now();
    const token = randomBytes(24).toString('base64url');
    this.#tokens.set(token, { caller: { user, grants }, expires: now + seconds * 1000 });
    if (this.#tokens.size > MOST_TOKENS) this.#tokens.delete(this.#tokens.keys().next().value!);
    let refreshToken = identity;
    if (offline && user !== undefined) {
      refreshToken = randomBytes(24).toString('base64url');
      this.#identities.set(refreshToken, user);
    }
    return answerJson(200, {
      token,
      access_token: token,
      expires_in: seconds,
      issued_at: new Date(now).toISOString(),
      scope: grants
        .map(({ repository, actions }) => `repository:${repository}:${actions.join(',')}`)
        .join(' '),
      ...(refreshToken === undefined ? {} : { refresh_token: refreshToken }),
    });
  }

  /** `repository:<path>:<action>,…`, cut down to what the user may do. Other scopes grant nothing. */
  #grantOf(user: string | undefined, scope: string): Grant[] {
    const match = /^repository(?:\([a-z0-9]+\))?:(.+):([^:]*)$/.exec(scope);
    if (!match) return [];
    const [, repository, wanted] = match as unknown as [string, string, string];
    const asked = wanted.includes('*')
      ? ACTIONS
      : wanted.split(',').filter((action) => ACTIONS.includes(action));
    const actions = (asked as Action[]).filter((action) => this.#allows(user, repository, action));
    return actions.length > 0 ? [{ repository, actions }] : [];
  }

  #unauthorized(message: string, repository?: string, action?: Action, error?: string): RequestError {
    if (this.#auth.scheme === 'basic') return basicRequired(message);
    const parts = [`realm="${this.#realm}"`, `service="${SERVICE}"`];
    if (repository)
      parts.push(`scope="repository:${repository}:${action === 'push' ? 'pull,push' : action}"`);
    if (error) parts.push(`error="${error}"`);
    return new RequestError(401, 'UNAUTHORIZED', message, {
      'www-authenticate': `Bearer ${parts.join(',')}`,
    });
  }
}

function basicRequired(message: string): RequestError {
  return new RequestError(401, 'UNAUTHORIZED', message, { 'www-authenticate': `Basic realm="${SERVICE}"` });
}

function sameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
