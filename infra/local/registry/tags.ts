/** `GET /v2/<name>/tags/list`: in byte order, paged by `n` and `last`. */
import { type Answer, answerJson } from './answer.ts';
import { firstAfter } from './catalog.ts';
import { type Content, type EndpointRequest, refuseMethod, requireRepository } from './endpoint.ts';
import { RequestError } from './request-error.ts';

/** How the registry pages. Real ones differ: all of these exist. */
export interface Paging {
  /** Most tags a page, also when the client asks for more or names no number. */
  max?: number;
  /** Answer everything at once, whatever `n` says. */
  ignore?: boolean;
  /** Name the next page by its whole address instead of its path. */
  absolute?: string;
}

export function answerTags(content: Content, name: string, request: EndpointRequest, paging: Paging): Answer {
  if (request.method !== 'GET' && request.method !== 'HEAD') refuseMethod(request, 'GET, HEAD');
  const names = requireRepository(content, name).tagNames();
  const size = pageSize(request.query.get('n'), paging);
  const last = request.query.get('last');
  const start = last === null || paging.ignore ? 0 : firstAfter(names, last);
  const tags = names.slice(start, start + size);
  const more = tags.length > 0 && start + tags.length < names.length;
  return answerJson(200, { name, tags }, more ? { link: nextLink(name, tags.at(-1)!, size, paging) } : {});
}

function pageSize(asked: string | null, paging: Paging): number {
  if (paging.ignore) return Infinity;
  if (asked !== null && !/^\d+$/.test(asked)) {
    throw new RequestError(400, 'PAGINATION_NUMBER_INVALID', `n must be a whole number, not '${asked}'`);
  }
  return Math.min(asked === null ? Infinity : Number(asked), paging.max ?? Infinity);
}

function nextLink(name: string, last: string, size: number, paging: Paging): string {
  const path = `/v2/${name}/tags/list?last=${encodeURIComponent(last)}&n=${size}`;
  return `<${paging.absolute ?? ''}${path}>; rel="next"`;
}
