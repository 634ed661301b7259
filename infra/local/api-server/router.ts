/** From a request to its answer. */
import { type Answer, formatted, jsonAnswer, type Streaming, textAnswer, warningHeaders } from './answer.ts';
import { deleteObject, readDeleteOptions } from './deletion.ts';
import {
  aggregatedDiscovery,
  apiGroup,
  coreVersions,
  etagOf,
  groupList,
  KUBERNETES_VERSION,
  resourceList,
  servedGroups,
} from './discovery.ts';
import { Lists, readSelection, selectObjects } from './list.ts';
import { negotiate } from './negotiation.ts';
import { openApiDocument, openApiIndex } from './open-api.ts';
import { patchObject } from './patches.ts';
import { type RenderOptions, renderList, renderObject } from './render.ts';
import { readBody } from './request-body.ts';
import { parseResourcePath, type ResourcePath } from './request-path.ts';
import { isReview, requestToken, reviewSelf } from './reviews.ts';
import type { ServerContext } from './server-context.ts';
import { badRequest, deletedStatus, methodNotAllowed, noSuchResource } from './status-error.ts';
import { parseIncludeObject } from './table.ts';
import { requireStored, type Target } from './target.ts';
import type { User } from './tokens.ts';
import { serveWatch } from './watch.ts';
import { readWriteOptions } from './write-options.ts';
import { createObject, updateObject, type WriteResult } from './writes.ts';

export interface ApiRequest {
  method: string;
  path: string;
  query: URLSearchParams;
  accept: string | undefined;
  contentType: string | undefined;
  userAgent: string;
  body: Buffer;
  user: User;
}

export class Router {
  readonly #context: ServerContext;
  readonly #lists = new Lists();

  constructor(context: ServerContext) {
    this.#context = context;
  }

  /** @throws StatusError what the client is told */
  async handle(request: ApiRequest): Promise<Answer | Streaming> {
    const at = parseResourcePath(request.path);
    const definition = at && this.#context.registry.find(at.group, at.version, at.plural);
    if (!at || !definition) return this.#handleOther(request, at);
    const { version, namespace, name, subresource } = at;
    if (namespace !== '' && !definition.namespaced) throw noSuchResource(request.path);
    return this.#handleResource(request, { definition, version, namespace, name, subresource });
  }

  async #handleOther(request: ApiRequest, at: ResourcePath | undefined): Promise<Answer> {
    if (at && request.method === 'POST' && isReview(at.group, at.plural)) {
      const body = await readBody(request.contentType, request.body);
      const review = reviewSelf(this.#context, at.group, at.plural, request.user, body);
      if (review) return jsonAnswer(201, review);
    }
    const document = this.#document(request);
    if (!document) throw noSuchResource(`${request.method} ${request.path}`);
    if (request.method !== 'GET') throw methodNotAllowed(`${request.method} ${request.path}`);
    return document;
  }

  /** Everything that is not about objects. */
  #document({ path, accept = '' }: ApiRequest): Answer | undefined {
    const { registry } = this.#context;
    const [, first = '', second = '', third = '', fourth = ''] = path.split('/');
    const json = (value: unknown) => (value === undefined ? undefined : withEtag(jsonAnswer(200, value)));
    switch (first) {
      case '':
        return json({ paths: rootPaths(this.#context) });
      case 'healthz':
      case 'livez':
      case 'readyz':
        return textAnswer(200, 'ok');
      case 'version':
        return json(versionInfo());
      case 'openapi':
        if (second !== 'v3') return undefined;
        if (third === '') return json(openApiIndex(registry));
        return json(
          third === 'api'
            ? openApiDocument(registry, '', fourth)
            : openApiDocument(registry, fourth, path.split('/')[5] ?? ''),
        );
      case 'api':
        if (second !== '') return third === '' ? json(resourceList(registry, '', second)) : undefined;
        return discoveryAnswer(accept, coreVersions(), (version) =>
          aggregatedDiscovery(registry, true, version),
        );
      case 'apis':
        if (fourth !== '') return undefined;
        if (third !== '') return json(resourceList(registry, second, third));
        if (second !== '') return json(apiGroup(registry, second));
        return discoveryAnswer(accept, groupList(registry), (version) =>
          aggregatedDiscovery(registry, false, version),
        );
      default:
        return undefined;
    }
  }

  async #handleResource(request: ApiRequest, target: Target): Promise<Answer | Streaming> {
    const { definition, name, subresource } = target;
    const verb = verbOf(request.method, name, request.query);
    const isToken = definition.plural === 'serviceaccounts' && subresource === 'token';
    if (isToken && request.method === 'POST') return this.#createToken(request, target);
    if (subresource !== '' && !(subresource === 'status' && definition.statusSubresource)) {
      throw noSuchResource(`sub-resource ${subresource} of ${definition.plural}`);
    }
    const allowed = verb !== undefined && definition.verbs.includes(verb);
    const needsNamespace = definition.namespaced && target.namespace === '';
    const isAcross = verb === 'list' || verb === 'watch';
    const onStatus = subresource === '' || verb === 'get' || verb === 'update' || verb === 'patch';
    if (!allowed || !onStatus || (needsNamespace && !isAcross)) {
      throw methodNotAllowed(`${request.method} ${request.path}`);
    }
    const warnings: string[] = [];
    const deprecation = definition.deprecations[target.version];
    if (deprecation) warnings.push(deprecation);
    switch (verb) {
      case 'get':
        return this.#answer(request, 200, target, { stored: requireStored(this.#context, target) }, warnings);
      case 'list':
        return this.#list(request, target, warnings);
      case 'watch':
        return this.#watch(request, target, warnings);
      case 'create':
      case 'update':
        return this.#write(request, target, verb, warnings);
      case 'patch': {
        const result = await patchObject(this.#context, target, { ...request, warnings });
        return this.#answer(request, result.code, target, result, warnings);
      }
      case 'delete':
        return this.#delete(request, target, warnings);
      default:
        return this.#deleteCollection(request, target, warnings);
    }
  }

  #renderOptions(request: ApiRequest): RenderOptions {
    const include = parseIncludeObject(request.query.get('includeObject'));
    return { representation: negotiate(request.accept), include, now: this.#context.now() };
  }

  #answer(
    request: ApiRequest,
    code: number,
    target: Target,
    { stored }: Pick<WriteResult, 'stored'>,
    warnings: string[],
  ): Promise<Answer> {
    const options = this.#renderOptions(request);
    return formatted(code, renderObject(target, stored, options), options.representation, warnings);
  }

  #list(request: ApiRequest, target: Target, warnings: string[]): Promise<Answer> {
    const options = this.#renderOptions(request);
    const named = nameQuery(target, request.query);
    const text = renderList(target, this.#lists.list(this.#context, target, named), options);
    return formatted(200, text, options.representation, warnings);
  }

  #watch(request: ApiRequest, target: Target, warnings: string[]): Streaming {
    const render = this.#renderOptions(request);
    const headers = { warning: warningHeaders(warnings) };
    const query = nameQuery(target, request.query);
    return {
      stream: (response) => serveWatch(this.#context, { target, query, render, headers }, response),
    };
  }

  async #write(
    request: ApiRequest,
    target: Target,
    verb: 'create' | 'update',
    warnings: string[],
  ): Promise<Answer> {
    const kind = verb === 'create' ? 'CreateOptions' : 'UpdateOptions';
    const options = readWriteOptions(request.query, kind, request.userAgent);
    const raw = await readBody(request.contentType, request.body);
    const write = { options, warnings, how: 'body' as const };
    const result =
      verb === 'create'
        ? createObject(this.#context, target, raw, write)
        : updateObject(this.#context, target, raw, write);
    return this.#answer(request, result.code, target, result, warnings);
  }

  async #delete(request: ApiRequest, target: Target, warnings: string[]): Promise<Answer> {
    const body = await readBody(request.contentType, request.body);
    const options = readDeleteOptions(request.query, body);
    const { stored, removed } = deleteObject(this.#context, target, options);
    if (!removed) return this.#answer(request, 200, target, { stored }, warnings);
    const status = deletedStatus(target.definition, target.name, stored.object.metadata.uid);
    return { ...jsonAnswer(200, status), warnings };
  }

  async #deleteCollection(request: ApiRequest, target: Target, warnings: string[]): Promise<Answer> {
    const body = await readBody(request.contentType, request.body);
    const options = readDeleteOptions(request.query, body);
    const items = selectObjects(this.#context, target, readSelection(target, request.query));
    for (const { object } of items) {
      deleteObject(this.#context, { ...target, name: object.metadata.name }, options);
    }
    const render = this.#renderOptions(request);
    const text = renderList(target, { items, version: this.#context.state.version }, render);
    return formatted(200, text, render.representation, warnings);
  }

  async #createToken(request: ApiRequest, { namespace, name }: Target): Promise<Answer> {
    const { dryRun } = readWriteOptions(request.query, 'CreateOptions', request.userAgent);
    const body = await readBody(request.contentType, request.body);
    return jsonAnswer(201, requestToken(this.#context, namespace, name, body, dryRun));
  }
}

/** The verb of a request; undefined: the method is none of the API's. */
function verbOf(method: string, name: string, query: URLSearchParams): string | undefined {
  const one = name !== '';
  switch (method) {
    case 'GET':
      return isWatch(query) ? 'watch' : one ? 'get' : 'list';
    case 'POST':
      return one ? undefined : 'create';
    case 'PUT':
      return one ? 'update' : undefined;
    case 'PATCH':
      return one ? 'patch' : undefined;
    case 'DELETE':
      return one ? 'delete' : 'deletecollection';
    default:
      return undefined;
  }
}

function isWatch(query: URLSearchParams): boolean {
  const watch = query.get('watch');
  return watch !== null && watch !== '' && watch !== '0' && watch !== 'false';
}

/** A list or watch at the path of one object is about this object. */
function nameQuery(target: Target, query: URLSearchParams): URLSearchParams {
  if (target.name === '') return query;
  const named = new URLSearchParams(query);
  const other = query.get('fieldSelector');
  if (other) throw badRequest('a field selector is not possible on the path of one object');
  named.set('fieldSelector', `metadata.name=${target.name}`);
  return named;
}

function withEtag(answer: Answer): Answer {
  return { ...answer, headers: { etag: etagOf(answer.body), 'cache-control': 'public' } };
}

/** The aggregated form for clients that know it, in the version that they prefer; else the old one. */
function discoveryAnswer(accept: string, old: object, aggregated: (version: string) => object): Answer {
  const match = /application\/json;g=apidiscovery\.k8s\.io;v=(v2|v2beta1);as=APIGroupDiscoveryList/.exec(
    accept,
  );
  if (!match) return withEtag(jsonAnswer(200, old));
  const answer = withEtag(jsonAnswer(200, aggregated(match[1]!)));
  return { ...answer, contentType: match[0], headers: { ...answer.headers, vary: 'Accept' } };
}

function versionInfo(): object {
  return {
    ...KUBERNETES_VERSION,
    gitVersion: `v${KUBERNETES_VERSION.major}.${KUBERNETES_VERSION.minor}.0+longshore`,
    gitCommit: '',
    gitTreeState: '',
    buildDate: '1970-01-01T00:00:00Z',
    goVersion: '',
    compiler: 'node',
    platform: `${process.platform}/${process.arch}`,
  };
}

function rootPaths({ registry }: ServerContext): string[] {
  const groups = [...servedGroups(registry)].flatMap(([group, versions]) =>
    group === ''
      ? ['/api', '/api/v1']
      : ['/apis', `/apis/${group}`, ...versions.map((version) => `/apis/${group}/${version}`)],
  );
  return [...new Set([...groups, '/healthz', '/livez', '/openapi/v3', '/readyz', '/version'])];
}
