/** Speaks to one registry on behalf of one object: finds the manner, gets tokens, adds them to requests. */
import { RunSecrets } from '../runtime/redact.ts';
import type { RegistryAccess } from './access.ts';
import { narrowReach } from './address-guard.ts';
import { parseChallenge } from './challenge.ts';
import { basicHeader, type Credential } from './credential.ts';
import { discover } from './discovery.ts';
import { type Refusal, RegistryError } from './errors.ts';
import { describe, type HttpAnswer } from './http-exchange.ts';
import { apiHost, type ImageName, isHttpCapable } from './image-name.ts';
import type { Manner, RegistryMemory, Session } from './memory.ts';
import { type Sending, send, zoneOfAnswer } from './redirect.ts';
import { type Course, withRetries } from './retry.ts';
import { shareFlight } from './shared-flight.ts';
import { ensureSuccess } from './status.ts';
import { requestToken } from './token-service.ts';

/** One request to the registry, without what the gateway adds to it. */
export interface RegistryRequest {
  method: 'GET' | 'HEAD';
  /** Path and query below the origin of the registry; a whole address is where the registry itself redirected to. */
  path: string;
  headers: Record<string, string>;
  streaming?: boolean;
}

/** Whether the registry was asked once more already: once a scan (IR-REG-5). */
export interface Operation {
  renewed: boolean;
}

/** How a request is authorised. */
interface Authorization {
  scheme: Manner['scheme'];
  header: string | undefined;
  /** Where the token is remembered; undefined when it is none of ours. */
  tokenKey: string | undefined;
  /** Something of it was known before this request. */
  remembered: boolean;
}

export class Gateway {
  readonly #host: string;
  readonly #scope: string;
  readonly #httpCapable: boolean;
  readonly #access: RegistryAccess;
  readonly #memory: RegistryMemory;
  readonly session: Session;
  readonly #sending: Sending;
  readonly #course: Course;
  #credential: Credential | undefined;

  constructor(
    image: ImageName,
    access: RegistryAccess,
    memory: RegistryMemory,
    sending: Omit<Sending, 'allowHttp'>,
    deadline: number,
  ) {
    this.#host = apiHost(image);
    this.#scope = `repository:${image.repository}:pull`;
    this.#httpCapable = isHttpCapable(image.host, access.insecure);
    this.#access = access;
    this.#memory = memory;
    this.session = memory.session(`${this.#host} ${access.fingerprint}`);
    this.#sending = { ...sending, allowHttp: this.#httpCapable };
    this.#course = { clock: sending.clock, deadline, pace: this.session.pace, lostMs: 0 };
  }

  /**
   * Sends a request and gives what `read` makes of the answer. Repeats what may pass; forgets what it remembered and
   * asks once more in an operation when the registry refuses it or cannot be reached (decisions 4).
   * @throws RegistryError
   */
  async ask<T>(
    request: RegistryRequest,
    read: (answer: HttpAnswer, requested: URL) => T | Promise<T>,
    operation: Operation,
    signal: AbortSignal,
  ): Promise<T> {
    for (;;) {
      const known = this.session.manner;
      const what = () => describe({ method: request.method, url: this.#address(request, known?.scheme) });
      const authorization = await this.#authorize(what, signal).catch((error) => {
        // A token service that is gone: perhaps the registry names another one now.
        if (!known || known !== this.session.manner || operation.renewed || !isGone(error)) throw error;
        operation.renewed = true;
        this.session.manner = undefined;
        return this.#authorize(what, signal);
      });
      try {
        const work = () => this.#send(request, authorization, read, signal);
        return await withRetries(work, what, this.#course, signal);
      } catch (error) {
        if (operation.renewed || !this.#forget(error, authorization)) throw error;
        operation.renewed = true;
      }
    }
  }

  async #send<T>(
    request: RegistryRequest,
    { scheme, header }: Authorization,
    read: (answer: HttpAnswer, requested: URL) => T | Promise<T>,
    signal: AbortSignal,
  ): Promise<T> {
    const own = isOwn(request);
    const headers = own && header ? { ...request.headers, authorization: header } : request.headers;
    const url = this.#address(request, scheme);
    const message = { method: request.method, url, headers, streaming: request.streaming };
    const answer = await send(message, own ? this.#sending : this.#redirected(), signal);
    return read(await this.#check(answer, header, signal), url);
  }

  #address(request: RegistryRequest, scheme = 'https:'): URL {
    return new URL(isOwn(request) ? `${scheme}//${this.#host}${request.path}` : request.path);
  }

  /** As redirects are followed: nobody sends us nearer to us than they are. */
  #redirected(): Sending {
    const zone = this.session.manner?.zone ?? 'public';
    return { ...this.#sending, reach: narrowReach(this.#sending.reach, zone) };
  }

  /** @param what names the request that it is for, in messages */
  async #authorize(what: () => string, signal: AbortSignal): Promise<Authorization> {
    this.#credential = await this.#access.credentials.get(signal);
    const remembered = this.session.manner !== undefined;
    const manner = this.session.manner ?? (await this.#discover(what, signal));
    const { scheme, challenge } = manner;
    if (challenge === 'none') return { scheme, header: undefined, tokenKey: undefined, remembered };
    if (challenge.scheme === 'basic') {
      return { scheme, header: basicHeader(this.#credential), tokenKey: undefined, remembered };
    }
    const ready = this.#credential?.registryToken;
    if (ready) return { scheme, header: `Bearer ${ready}`, tokenKey: undefined, remembered };
    const tokenKey = `${this.session.key} ${challenge.realm} ${challenge.service ?? ''} ${this.#scope}`;
    const known = this.#usableToken(tokenKey);
    if (known) return { scheme, header: `Bearer ${known}`, tokenKey, remembered: true };
    const work = () => this.#requestToken(manner, tokenKey, signal);
    const get = async () =>
      this.#usableToken(tokenKey) ?? shareFlight(this.#memory.flights, tokenKey, work, signal);
    const value = await withRetries(get, what, this.#course, signal);
    return { scheme, header: `Bearer ${value}`, tokenKey, remembered };
  }

  #usableToken(tokenKey: string): string | undefined {
    const token = this.#memory.tokens.get(tokenKey);
    return token && token.usableUntil > this.#course.clock.now() ? token.value : undefined;
  }

  #discover(what: () => string, signal: AbortSignal): Promise<Manner> {
    const discovery = {
      host: this.#host,
      httpCapable: this.#httpCapable,
      sending: this.#sending,
      check: (answer: HttpAnswer) => this.#check(answer, undefined, signal),
    };
    const work = async () => {
      const manner = await discover(discovery, signal);
      this.session.manner = manner;
      return manner;
    };
    // Each run makes its own repeats of what all of them share: who waited for a silent registry can give up.
    const get = async () =>
      this.session.manner ?? shareFlight(this.#memory.flights, this.session.key, work, signal);
    return withRetries(get, what, this.#course, signal);
  }

  async #requestToken(manner: Manner, tokenKey: string, signal: AbortSignal): Promise<string> {
    const request = {
      challenge: manner.challenge as Extract<Manner['challenge'], { scheme: 'bearer' }>,
      scope: this.#scope,
      credential: this.#credential,
      manner,
      insecure: this.#access.insecure,
      sending: this.#sending,
      check: (answer: HttpAnswer) => this.#check(answer, undefined, signal),
    };
    const token = await requestToken(request, signal);
    this.#memory.tokens.set(tokenKey, token);
    return token.value;
  }

  /** Forgets what led to a refusal. Answers whether asking again can end differently. */
  #forget(error: unknown, authorization: Authorization): boolean {
    if (!(error instanceof RegistryError)) return false;
    if (error.status === 401) return this.#forgetRefused(error.refusal, authorization);
    if (error.status === 403 && authorization.remembered && authorization.tokenKey) {
      this.#memory.tokens.delete(authorization.tokenKey);
      return true;
    }
    const unreachable = error.code === 'network' || error.code === 'tls';
    if (unreachable) this.session.manner = undefined;
    return unreachable && authorization.remembered;
  }

  /** A 401 brings the challenge of today with it. */
  #forgetRefused(refusal: Refusal | undefined, { remembered, tokenKey, scheme }: Authorization): boolean {
    const manner = this.session.manner;
    const own = refusal?.origin === new URL(`${scheme}//${this.#host}`).origin ? refusal : undefined;
    const challenge = parseChallenge(own?.authenticate);
    const changed = challenge !== undefined && manner?.challenge === 'none';
    const zone = zoneOfAnswer({ peer: own?.peer, url: new URL(`${scheme}//${this.#host}`) });
    this.session.manner = challenge && { scheme, challenge, zone };
    if (tokenKey) this.#memory.tokens.delete(tokenKey);
    const another = this.#access.credentials.forget();
    // The password that was refused is the one that would be sent again: repeats lock accounts.
    const same = isBasic(manner?.challenge) && isBasic(challenge);
    return another || changed || (remembered && !same) || tokenKey !== undefined;
  }

  #check(answer: HttpAnswer, header: string | undefined, signal: AbortSignal): Promise<HttpAnswer> {
    return ensureSuccess(answer, this.#course.clock.now(), (text) => this.#scrub(text, header), signal);
  }

  /** Takes out of a text of the registry what it may have learnt from us. */
  #scrub(text: string, header: string | undefined): string {
    const secrets = new RunSecrets();
    const { password, identityToken, registryToken } = this.#credential ?? {};
    for (const secret of [password, identityToken, registryToken, header?.split(' ')[1]]) {
      if (secret) secrets.add(secret);
    }
    return secrets.scrub(text);
  }
}

function isBasic(challenge: Manner['challenge'] | undefined): boolean {
  return typeof challenge === 'object' && challenge.scheme === 'basic';
}

function isOwn({ path }: RegistryRequest): boolean {
  return path.startsWith('/');
}

function isGone(error: unknown): boolean {
  return error instanceof RegistryError && (error.code === 'network' || error.code === 'not-found');
}
