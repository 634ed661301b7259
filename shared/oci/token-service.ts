/** Bearer tokens (IR-REG-2, IR-REG-3). */
import * as z from 'zod/mini';
import { narrowReach } from './address-guard.ts';
import { discardBody, readJson, TOKEN_BODY_LIMIT } from './body.ts';
import type { Challenge } from './challenge.ts';
import { basicHeader, type Credential } from './credential.ts';
import { RegistryError } from './errors.ts';
import { describe, type HttpAnswer, type HttpRequest } from './http-exchange.ts';
import type { BearerToken, Manner } from './memory.ts';
import { type Sending, send } from './redirect.ts';
import { CLIENT_ID, USER_AGENT } from './user-agent.ts';

const TokenAnswer = z.object({
  token: z.nullish(z.string()),
  access_token: z.nullish(z.string()),
  expires_in: z.catch(z.optional(z.pipe(z.transform(Number), z.number().check(z.positive()))), undefined),
});

/** What a token without `expires_in` is worth, by the specification of the token service. */
const DEFAULT_LIFE_S = 60;
/** A token is not used in its last seconds: it would expire on the way. */
const LONGEST_MARGIN_MS = 15_000;

export interface TokenRequest {
  challenge: Extract<Challenge, { scheme: 'bearer' }>;
  scope: string;
  credential: Credential | undefined;
  manner: Manner;
  /** `insecure`: an http token service is allowed (IR-INS-1). */
  insecure: boolean;
  sending: Sending;
  /** Turns a status into an error. */
  check: (answer: HttpAnswer) => Promise<HttpAnswer>;
}

/**
 * Asks the realm for a token. With an identity token by POST, which some services do not know: then as everybody else.
 * @throws RegistryError code `login` for a realm or answer that cannot be used, others as the request fails
 */
export async function requestToken(request: TokenRequest, signal: AbortSignal): Promise<BearerToken> {
  const realm = checkRealm(request);
  const reach = narrowReach(request.sending.reach, request.manner.zone);
  const ask = (message: HttpRequest) => send(message, { ...request.sending, reach }, signal);
  let answer: HttpAnswer | undefined;
  if (request.credential?.identityToken) {
    answer = await ask(refreshMessage(realm, request, request.credential.identityToken));
    if (answer.status === 404 || answer.status === 405) {
      await discardBody(answer);
      answer = undefined;
    }
  }
  answer ??= await ask(plainMessage(realm, request));
  return readToken(await request.check(answer), request.sending.clock.now(), signal);
}

function checkRealm({ challenge, manner, insecure }: TokenRequest): URL {
  const realm = URL.parse(challenge.realm);
  if (!realm || !/^https?:$/.test(realm.protocol)) {
    throw new RegistryError('login', 'the registry names a token service (realm) that is no http(s) address');
  }
  realm.username = '';
  realm.password = '';
  if (realm.protocol === 'http:' && manner.scheme === 'https:' && !insecure) {
    throw new RegistryError(
      'login',
      `token service ${realm.origin} refused: a registry on https needs one on https`,
    );
  }
  return realm;
}

function plainMessage(realm: URL, { challenge, scope, credential }: TokenRequest): HttpRequest {
  const url = new URL(realm);
  url.searchParams.set('scope', scope);
  if (challenge.service !== undefined) url.searchParams.set('service', challenge.service);
  const authorization = basicHeader(credential);
  return { method: 'GET', url, headers: { ...HEADERS, ...(authorization && { authorization }) } };
}

function refreshMessage(realm: URL, { challenge, scope }: TokenRequest, identityToken: string): HttpRequest {
  const form = new URLSearchParams({
    grant_type: 'refresh_token',
    refresh_token: identityToken,
    client_id: CLIENT_ID,
    scope,
    ...(challenge.service !== undefined && { service: challenge.service }),
  });
  const headers = { ...HEADERS, 'content-type': 'application/x-www-form-urlencoded' };
  return { method: 'POST', url: realm, headers, body: form.toString() };
}

const HEADERS = { 'user-agent': USER_AGENT, accept: 'application/json', 'accept-encoding': 'gzip' };

async function readToken(answer: HttpAnswer, now: number, signal: AbortSignal): Promise<BearerToken> {
  const parsed = TokenAnswer.safeParse(await readJson(answer, TOKEN_BODY_LIMIT, 'token answer', signal));
  const value = parsed.data?.token || parsed.data?.access_token;
  if (!value || !/^[\x21-\x7e]+$/.test(value)) {
    throw new RegistryError('malformed', `${describe(answer)}: token answer holds no usable token`);
  }
  const life = (parsed.data?.expires_in ?? DEFAULT_LIFE_S) * 1000;
  return { value, usableUntil: now + life - Math.min(LONGEST_MARGIN_MS, life / 4) };
}
