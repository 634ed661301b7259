/** From a request to its endpoint: route, access, answer. */
import type { IncomingMessage } from 'node:http';
import { type Answer, answerError } from './answer.ts';
import type { Action, Authority } from './auth.ts';
import { answerBlob } from './blobs.ts';
import { type Content, type EndpointRequest, readBody, refuseMethod } from './endpoint.ts';
import { answerManifest } from './manifests.ts';
import { answerReferrers } from './referrers.ts';
import { RequestError } from './request-error.ts';
import { parseRoute, type Route } from './route.ts';
import { answerTags, type Paging } from './tags.ts';
import { Uploads } from './uploads.ts';

const LARGEST_FORM = 64 * 1024;

export interface EndpointOptions {
  paging: Paging;
  referrers: boolean;
}

/** An answer, and who asked for it as far as the registry knows. */
export interface Answered {
  answer: Answer;
  user: string | undefined;
}

export class Endpoints {
  readonly #content: Content;
  readonly #authority: Authority | undefined;
  readonly #options: EndpointOptions;
  readonly #uploads: Uploads;

  /** @param authority none: everybody may do everything */
  constructor(content: Content, authority: Authority | undefined, options: EndpointOptions) {
    this.#content = content;
    this.#authority = authority;
    this.#options = options;
    this.#uploads = new Uploads(content);
  }

  /** Answers a request; what goes wrong is an answer too. @param query with its question mark */
  async answer(message: IncomingMessage, path: string, query: string): Promise<Answered> {
    const { method = 'GET', headers } = message;
    const request = { method, headers, query: new URLSearchParams(query), body: message };
    let user: string | undefined;
    try {
      const route = parseRoute(path);
      if (!route) throw new RequestError(404, 'UNSUPPORTED', `no endpoint ${path}`);
      user = this.#admit(route, request);
      return { answer: await this.#ask(route, request), user };
    } catch (error) {
      return { answer: answerError(error), user };
    }
  }

  close(): Promise<void> {
    return this.#uploads.close();
  }

  #admit(route: Route, { method, headers: { authorization } }: EndpointRequest): string | undefined {
    if (!this.#authority || route.to === 'token') return undefined;
    if (route.to === 'ping') return this.#authority.authenticate(authorization);
    return this.#authority.authorize(authorization, route.repository, actionOf(method));
  }

  async #ask(route: Route, request: EndpointRequest): Promise<Answer> {
    const content = this.#content;
    switch (route.to) {
      case 'ping':
        return { status: 200, headers: { 'content-type': 'application/json' }, body: Buffer.from('{}') };
      case 'token':
        return this.#token(request);
      case 'tags':
        return answerTags(content, route.repository, request, this.#options.paging);
      case 'manifest':
        return answerManifest(content, route.repository, route.reference, request);
      case 'blob':
        return answerBlob(content, route.repository, route.digest, request);
      case 'uploads':
        return this.#uploads.answerStart(route.repository, request, (from) => this.#mayPull(request, from));
      case 'upload':
        return this.#uploads.answerUpload(route.repository, route.id, request);
      case 'referrers':
        if (!this.#options.referrers) throw new RequestError(404, 'UNSUPPORTED', 'no referrers API here');
        return answerReferrers(content, route.repository, route.digest, request);
    }
  }

  async #token(request: EndpointRequest): Promise<Answer> {
    if (!this.#authority) throw new RequestError(404, 'UNSUPPORTED', 'this registry asks for no token');
    if (request.method === 'GET') {
      return this.#authority.answerTokenGet(request.query, request.headers.authorization);
    }
    if (request.method !== 'POST') refuseMethod(request, 'GET, POST');
    const form = await readBody(request.body, LARGEST_FORM);
    return this.#authority.answerTokenPost(new URLSearchParams(form.toString()));
  }

  #mayPull(request: EndpointRequest, repository: string): boolean {
    return this.#authority?.permits(request.headers.authorization, repository, 'pull') ?? true;
  }
}

function actionOf(method: string): Action {
  if (method === 'GET' || method === 'HEAD') return 'pull';
  return method === 'DELETE' ? 'delete' : 'push';
}
