/**
 * Cloud logins kept in memory (IR-TOK-1). A deleted object takes none with it (IR-REC-4): a token belongs to a service
 * account, its role and a registry, never to one object, so others of the namespace may still live on it.
 */
import type { Credential } from './credential.ts';
import { LruMap } from './lru-map.ts';
import type { Flights } from './shared-flight.ts';

export interface CloudLogin {
  credential: Credential;
  /** Milliseconds since 1970. */
  expiresAt: number;
}

/** What one run asked of the cache (image-reflector 10.1). */
export interface CacheUse {
  /** Questions that a token in the cache answered. */
  hits: number;
  /** Questions that led to a login, be it one that another run makes. */
  misses: number;
  /** Those of the misses that gave no token. */
  failures: number;
  /** Tokens of others that had to go for want of room. */
  evictions: number;
  /** Tokens in the cache after the last question. */
  items: number;
}

/** Of a run that has asked nothing yet. */
export function noCacheUse(): CacheUse {
  return { hits: 0, misses: 0, failures: 0, evictions: 0, items: 0 };
}

interface Kept {
  credential: Credential;
  usableUntil: number;
}

/** Part of its life in which a token is used, and the longest time whatever its life. */
const USABLE_SHARE = 0.8;
const LONGEST_MS = 3_600_000;

export class CloudTokens {
  readonly #kept: LruMap<string, Kept>;
  readonly #size: number;
  readonly #longestMs: number;
  #evictions = 0;
  /** Logins that are being made. */
  readonly flights: Flights = new Map();

  /** @param size most entries (`token-cache-max-size`; 0: none); @param durationMs `token-cache-max-duration` */
  constructor(size: number, durationMs: number) {
    this.#kept = new LruMap(size, () => {
      this.#evictions += 1;
    });
    this.#size = size;
    this.#longestMs = Math.min(durationMs, LONGEST_MS);
  }

  /** Tokens in the cache, used up ones among them. */
  get items(): number {
    return this.#kept.size;
  }

  get(key: string, now: number): Credential | undefined {
    const kept = this.#kept.get(key);
    return kept && now < kept.usableUntil ? kept.credential : undefined;
  }

  /** Answers whether another token had to go for it. */
  set(key: string, login: CloudLogin, now: number): boolean {
    if (this.#size === 0) return false;
    const before = this.#evictions;
    const life = (login.expiresAt - now) * USABLE_SHARE;
    this.#kept.set(key, { credential: login.credential, usableUntil: now + Math.min(life, this.#longestMs) });
    return this.#evictions > before;
  }

  /** Whether there was something to forget. */
  delete(key: string): boolean {
    const kept = this.#kept.get(key) !== undefined;
    this.#kept.delete(key);
    return kept;
  }
}

let shared: { size: number; durationMs: number; tokens: CloudTokens } | undefined;

/** The process's own, for its settings. */
export function processCloudTokens(size: number, durationMs: number): CloudTokens {
  if (shared?.size !== size || shared.durationMs !== durationMs) {
    shared = { size, durationMs, tokens: new CloudTokens(size, durationMs) };
  }
  return shared.tokens;
}
