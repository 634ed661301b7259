/**
 * A Quay of our own (spec appendix B): for `npm start`, and for tests that need what the real one cannot be asked to do.
 * It answers with the statuses and bodies of Quay, its quirks included.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Clock, systemClock } from '../../../shared/runtime/clock.ts';
import { type Listener, type ListenerOptions, openListener } from '../listener.ts';
import type { Answer } from '../registry/answer.ts';
import { readBody } from '../registry/endpoint.ts';
import { type FaultRule, Faults, replacedAnswer } from '../registry/faults.ts';
import { RequestLog } from '../registry/request-log.ts';
import { sendAnswer } from '../registry/send.ts';
import { requireToken } from './call.ts';
import { answerControl, CONTROL_PREFIX } from './control.ts';
import { openKeptState } from './kept-state.ts';
import { deliverPush } from './notifications.ts';
import { type Rate, RateLimit } from './rate.ts';
import { broken, e2, e4, notFound, QuayRefusal } from './refusal.ts';
import { answerCall } from './route.ts';
import { completeState, type InitialState, type QuayState } from './state.ts';

/** What a Quay has that is started without a state. */
export const LOCAL_ORGANIZATION = 'my-org';
export const LOCAL_TOKEN = 'longshore-local-quay-token';

export interface QuayOptions extends ListenerOptions {
  /** By default one organization, and one token that may do everything with it. */
  state?: InitialState;
  faults?: FaultRule[];
  rate?: Rate;
  /** Answers every write with 503. */
  readOnly?: boolean;
  /** File that keeps the state over a restart; left out: in memory. */
  dataFile?: string;
  clock?: Clock;
}

export interface LocalQuay extends Omit<Listener, 'serve'> {
  /** `http://127.0.0.1:18080/api/v1`. */
  readonly apiUrl: string;
  /** As it is now; changing it changes the Quay. */
  readonly state: QuayState;
  readonly faults: Faults;
  /** What was asked, control calls left out. */
  readonly requests: RequestLog;
  readOnly: boolean;
  /** Forgets everything, faults and requests included. */
  reset(state?: InitialState): void;
  /** Private repositories that the plan of an organization pays for; undefined: no billing. */
  setPrivateLimit(organization: string, limit: number | undefined): void;
  /** Above it: 429 with a page of HTML. Undefined: no limit. */
  setRate(rate: Rate | undefined): void;
  /** Adds a tag and tells the webhooks; resolves when all of them have answered. */
  push(organization: string, repository: string, tag: string, digest: string): Promise<void>;
}

const BODY_LIMIT = 1024 * 1024;
const API = /^.*?\/api\/v1\//;

/**
 * Starts a Quay.
 * @throws the error of `listen`, such as `EADDRINUSE`; errors of the data file
 */
export async function startQuay(options: QuayOptions): Promise<LocalQuay> {
  const clock = options.clock ?? systemClock;
  const listener = await openListener(options);
  const initial = options.state ?? {
    tokens: { [LOCAL_TOKEN]: {} },
    organizations: { [LOCAL_ORGANIZATION]: {} },
  };
  const kept = await openKeptState(options.dataFile, completeState(initial)).catch(async (error) => {
    await listener.close();
    throw error;
  });
  const rate = new RateLimit(clock);
  rate.set(options.rate);
  const closing = new AbortController();
  const quay: Omit<LocalQuay, 'close'> = {
    url: listener.url,
    host: listener.host,
    port: listener.port,
    apiUrl: `${listener.url}/api/v1`,
    get state() {
      return kept.state;
    },
    faults: new Faults(options.faults),
    requests: new RequestLog(),
    readOnly: options.readOnly ?? false,
    reset(state = initial) {
      kept.state = completeState(state);
      quay.faults.clear();
      quay.requests.clear();
      rate.set(undefined);
    },
    setPrivateLimit(organization, limit) {
      const found = kept.state.organizations[organization];
      if (!found) throw new Error(`no organization ${organization}`);
      found.privateLimit = limit;
    },
    setRate: (next) => rate.set(next),
    async push(organization, name, tag, digest) {
      const repository = kept.state.organizations[organization]?.repositories[name];
      if (!repository) throw new Error(`no repository ${organization}/${name}`);
      repository.tags[tag] = digest;
      if (!repository.manifests.includes(digest)) repository.manifests.push(digest);
      const url = `${listener.host}/${organization}/${name}`;
      await deliverPush(repository, { name: `${organization}/${name}`, url, tag }, closing.signal);
    },
  };
  listener.serve((request, response) => {
    void serve(request, response, { quay, rate, clock, signal: closing.signal, save: () => kept.save() });
  });
  return Object.assign(quay, {
    async close() {
      closing.abort();
      await listener.close();
      await kept.save();
    },
  });
}

interface Service {
  quay: Omit<LocalQuay, 'close'>;
  rate: RateLimit;
  clock: Clock;
  /** Aborts when the Quay closes. */
  signal: AbortSignal;
  /** Called after every request that may have changed something. */
  save(): Promise<void>;
}

/** One request, from its path to the last byte of its answer. Never rejects. */
async function serve(request: IncomingMessage, response: ServerResponse, service: Service): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const signal = AbortSignal.any([service.signal, gone.signal]);
  const { method = 'GET' } = request;
  const { pathname, search, searchParams: query } = new URL(request.url ?? '/', 'http://localhost');
  const path = decodePath(pathname);
  try {
    const body = parseBody(await readBody(request, BODY_LIMIT));
    if (path.startsWith(`${CONTROL_PREFIX}/`)) {
      const call = { method, path: path.slice(CONTROL_PREFIX.length), query, body };
      const answer = await answerControl(service.quay, call);
      await sendAnswer(response, answer, { head: false, fault: undefined }, signal);
      await service.save();
      return;
    }
    const { quay, clock } = service;
    const record = quay.requests.add({
      method,
      path,
      query: search,
      status: 0,
      user: undefined,
      userAgent: request.headers['user-agent'],
      body,
      time: new Date(clock.now()).toISOString(),
    });
    const fault = quay.faults.match(method, path, search);
    const replaced = fault && (await replacedAnswer(fault, signal));
    const { authorization } = request.headers;
    const call = { method, path, query, body, authorization, state: quay.state, now: clock.now() };
    const answer = replaced ?? answerOf(call, service);
    if (!fault?.reset) record.status = answer.status;
    if (method !== 'GET') await service.save();
    await sendAnswer(response, answer, { head: method === 'HEAD', fault }, signal);
  } catch {
    // The client has gone, or the Quay closes: there is nobody left to tell.
    response.destroy();
  }
}

function answerOf(call: Parameters<typeof answerCall>[0], { quay, rate }: Service): Answer {
  try {
    if (!rate.admit()) throw e4(429, 'Too Many Requests');
    const prefix = API.exec(call.path)?.[0];
    if (prefix === undefined) throw notFound();
    const own = { ...call, path: call.path.slice(prefix.length) };
    if (quay.readOnly && call.method !== 'GET') {
      requireToken(own);
      throw e2(503, 'Service is currently in read-only mode', { is_readonly: true });
    }
    return answerCall(own);
  } catch (error) {
    return error instanceof QuayRefusal ? error.answer : broken().answer;
  }
}

function parseBody(bytes: Buffer): unknown {
  if (bytes.length === 0) return undefined;
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return bytes.toString('utf8');
  }
}

/** `+` may come as `%2B`. */
function decodePath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
