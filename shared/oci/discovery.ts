/** Finds out how a registry wants to be talked to: scheme and challenge (IR-NAM-10, IR-REG-1). Sends no credentials. */
import { discardBody } from './body.ts';
import { parseChallenge } from './challenge.ts';
import { RegistryError } from './errors.ts';
import { describe, type HttpAnswer, stopped } from './http-exchange.ts';
import type { Manner } from './memory.ts';
import { type Sending, send, zoneOfAnswer } from './redirect.ts';
import { USER_AGENT } from './user-agent.ts';

/** How long https may be silent before http is tried beside it. */
const HEAD_START_MS = 300;

const HEADERS = { 'user-agent': USER_AGENT, accept: 'application/json' };

export interface Discovery {
  /** Host with its port. */
  host: string;
  /** IR-NAM-9. */
  httpCapable: boolean;
  sending: Sending;
  /** Turns a status into an error. */
  check: (answer: HttpAnswer) => Promise<HttpAnswer>;
}

/**
 * Asks `GET /v2/`, https first.
 * @throws RegistryError; when both schemes fail with both causes
 */
export function discover(discovery: Discovery, signal: AbortSignal): Promise<Manner> {
  return discovery.httpCapable ? askBoth(discovery, signal) : ask(discovery, 'https:', signal);
}

async function askBoth(discovery: Discovery, signal: AbortSignal): Promise<Manner> {
  const loser = new AbortController();
  const either = AbortSignal.any([signal, loser.signal]);
  const secure = ask(discovery, 'https:', either);
  let cancel = () => {};
  const headStart = new Promise<void>((resolve) => {
    cancel = discovery.sending.clock.after(HEAD_START_MS, resolve);
  });
  try {
    const early = await Promise.race([secure.catch(() => undefined), headStart]);
    if (early) return early;
    if (signal.aborted) throw stopped(`GET https://${discovery.host}/v2/`, signal);
    return await Promise.any([secure, ask(discovery, 'http:', either)]);
  } catch (error) {
    throw error instanceof AggregateError ? bothFailed(error.errors as RegistryError[]) : error;
  } finally {
    cancel();
    loser.abort();
  }
}

async function ask(discovery: Discovery, scheme: Manner['scheme'], signal: AbortSignal): Promise<Manner> {
  const url = new URL(`${scheme}//${discovery.host}/v2/`);
  const answer = await send({ method: 'GET', url, headers: HEADERS }, discovery.sending, signal);
  if (answer.status !== 401) {
    await discardBody(await discovery.check(answer));
    return { scheme, challenge: 'none', zone: zoneOfAnswer(answer) };
  }
  await discardBody(answer);
  const challenge = parseChallenge(answer.headers['www-authenticate']);
  if (!challenge) {
    const text = `${describe(answer)}: unexpected status code 401: no Basic or Bearer challenge`;
    throw new RegistryError('unauthorized', text, { status: 401 });
  }
  return { scheme, challenge, zone: zoneOfAnswer(answer) };
}

/** An answer tells more than none; else http tells more than https, where mostly nobody speaks TLS. */
function bothFailed([secure, plain]: RegistryError[]): RegistryError {
  const told = secure!.status !== 0 && plain!.status === 0 ? secure! : plain!;
  return new RegistryError(told.code, `${secure!.message}; ${plain!.message}`, {
    status: told.status,
    retryAfterMs: told.retryAfterMs,
    transient: told.transient,
    silent: secure!.silent || plain!.silent,
    lostMs: Math.max(secure!.lostMs, plain!.lostMs),
    cause: told,
  });
}
