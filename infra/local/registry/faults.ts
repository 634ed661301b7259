/** Faults on demand: a rule says which requests go wrong, and how. Members of one rule may be combined. */
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { type Answer, answerJson } from './answer.ts';

export interface FaultRule {
  /** `GET`, …; any when left out. */
  method?: string;
  /** The whole path, or what tests path and query, such as an expression; any when left out. */
  path?: string | Pick<RegExp, 'test'>;
  /** Matching requests that are served well before the rule counts. */
  skip?: number;
  /** Requests that the rule spoils; all when left out. */
  times?: number;

  /** Wait before the answer; `Infinity`: there is none. */
  delayMs?: number;
  /** Answer with this status (and `body`) instead of asking the endpoint. */
  status?: number;
  /** Answer with this body instead of asking the endpoint; an object is sent as JSON. */
  body?: string | object;
  /** Put over the headers of the answer; `null` removes one. */
  headers?: Record<string, string | null>;
  /** Change a byte of the body: it does not match its digest any more. */
  corrupt?: boolean;
  /** Announce the whole body, send so many bytes of it, then cut the connection. */
  cutAfter?: number;
  /** Send the body at this speed. */
  bytesPerSecond?: number;
  /** Cut the connection without an answer. */
  reset?: boolean;
}

/** `429 Too Many Requests` as registries send it. @param seconds what `Retry-After` says */
export function tooManyRequests(seconds: number): Pick<FaultRule, 'status' | 'headers' | 'body'> {
  return {
    status: 429,
    headers: { 'retry-after': String(seconds) },
    body: { errors: [{ code: 'TOOMANYREQUESTS', message: 'rate limit exceeded' }] },
  };
}

export class Faults {
  #rules: { rule: FaultRule; seen: number }[] = [];

  constructor(rules: FaultRule[] = []) {
    for (const rule of rules) this.add(rule);
  }

  /** @returns removes the rule */
  add(rule: FaultRule): () => void {
    const entry = { rule, seen: 0 };
    this.#rules.push(entry);
    return () => {
      this.#rules = this.#rules.filter((other) => other !== entry);
    };
  }

  clear(): void {
    this.#rules = [];
  }

  /** The first rule that spoils this request. @param path without, @param query with its question mark */
  match(method: string, path: string, query: string): FaultRule | undefined {
    for (const entry of this.#rules) {
      const { rule } = entry;
      if (rule.method !== undefined && rule.method !== method) continue;
      if (typeof rule.path === 'string' && rule.path !== path) continue;
      if (typeof rule.path === 'object' && !rule.path.test(path + query)) continue;
      const skip = rule.skip ?? 0;
      const turn = entry.seen++;
      if (turn >= skip && turn < skip + (rule.times ?? Infinity)) return rule;
    }
    return undefined;
  }
}

/**
 * Waits as the rule says, then gives the answer that stands for the endpoint's; undefined: ask the endpoint.
 * @throws the reason of `signal` when it aborts the wait
 */
export async function replacedAnswer(rule: FaultRule, signal: AbortSignal): Promise<Answer | undefined> {
  if (rule.delayMs === Infinity && !signal.aborted) await once(signal, 'abort');
  signal.throwIfAborted();
  if (rule.delayMs) await wait(rule.delayMs, undefined, { signal });
  if (rule.status === undefined && rule.body === undefined) return undefined;
  const status = rule.status ?? 200;
  if (typeof rule.body === 'object') return answerJson(status, rule.body);
  return { status, headers: { 'content-type': 'application/json' }, body: Buffer.from(rule.body ?? '') };
}
