/** Redirects, followed by hand: each hop is judged before it is made (decisions 10). */
import type { Clock } from '../runtime/clock.ts';
import { narrowReach, type Reach, type Zone, zoneOf, zoneOfHost } from './address-guard.ts';
import { discardBody } from './body.ts';
import type { Route } from './connections.ts';
import { RegistryError } from './errors.ts';
import { describe, exchange, type HttpAnswer, type HttpRequest } from './http-exchange.ts';

/** How requests are sent, but for what they say. */
export interface Sending {
  route: Route;
  reach: Reach;
  /** Whether a redirect may lead from https to http (IR-NAM-9). */
  allowHttp: boolean;
  clock: Clock;
}

const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const MOST_REDIRECTS = 5;

/**
 * Sends a request and follows where GET and HEAD are sent to. `Authorization` stays behind when the origin changes, and
 * nobody sends us to an address nearer to us than their own.
 * @throws RegistryError
 */
export async function send(request: HttpRequest, sending: Sending, signal: AbortSignal): Promise<HttpAnswer> {
  const { route, allowHttp, clock } = sending;
  let { reach } = sending;
  let current = request;
  for (let hops = 0; ; hops++) {
    const answer = await exchange(current, route, reach, clock, signal);
    if (!REDIRECTS.has(answer.status) || request.method === 'POST') return answer;
    const url = URL.parse(answer.headers.location ?? '', current.url.href);
    const refuse = (why: string) => new RegistryError('redirect', `${describe(current)}: ${why}`);
    await discardBody(answer);
    if (!url || !/^https?:$/.test(url.protocol)) throw refuse('redirect without a usable location');
    if (hops === MOST_REDIRECTS) throw refuse(`more than ${MOST_REDIRECTS} redirects`);
    if (url.protocol === 'http:' && current.url.protocol === 'https:' && !allowHttp) {
      throw refuse(`redirect from https to http (${url.host}) refused`);
    }
    reach = narrowReach(reach, zoneOfAnswer(answer));
    current = { ...current, url: withoutUser(url), headers: headersFor(current, url) };
  }
}

/** Where an answer came from. Behind a proxy only a literal address tells; a name there counts as public. */
export function zoneOfAnswer(answer: { peer: string | undefined; url: URL }): Zone {
  return answer.peer ? zoneOf(answer.peer) : (zoneOfHost(answer.url.hostname) ?? 'public');
}

function headersFor(request: HttpRequest, next: URL): Record<string, string> {
  if (next.origin === request.url.origin) return request.headers;
  const { authorization: _left, ...headers } = request.headers;
  return headers;
}

function withoutUser(url: URL): URL {
  url.username = '';
  url.password = '';
  return url;
}
