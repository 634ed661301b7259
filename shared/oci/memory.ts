/** What a process remembers of registries between scans (decisions 4). Nothing learnt for one access serves another. */
import type { Zone } from './address-guard.ts';
import type { Challenge } from './challenge.ts';
import { LruMap } from './lru-map.ts';
import { Pace } from './pace.ts';
import type { Flights } from './shared-flight.ts';

/** How to talk to a registry. */
export interface Manner {
  scheme: 'http:' | 'https:';
  challenge: Challenge | 'none';
  /** Where the challenge came from: it may not send us nearer than that. */
  zone: Zone;
}

/** One registry as seen through one access: origin, proxy, TLS material, `insecure`, credentials. */
export interface Session {
  key: string;
  manner: Manner | undefined;
  /** Tags to ask for at once (`n`); 0: not to be asked for, the registry knows no `n` (IR-REG-7). */
  pageSize: number;
  readonly pace: Pace;
}

export interface BearerToken {
  value: string;
  /** Milliseconds since 1970 until which it may be used. */
  usableUntil: number;
}

/** IR-REG-4. */
export const LARGEST_PAGE = 1000;

const MAX_SESSIONS = 2000;
const MAX_TOKENS = 2000;

export class RegistryMemory {
  readonly #sessions = new LruMap<string, Session>(MAX_SESSIONS);
  /** By session, realm, service and scope. */
  readonly tokens = new LruMap<string, BearerToken>(MAX_TOKENS);
  /** Questions that are being asked. */
  readonly flights: Flights = new Map();

  session(key: string): Session {
    let session = this.#sessions.get(key);
    if (!session) {
      session = { key, manner: undefined, pageSize: LARGEST_PAGE, pace: new Pace() };
      this.#sessions.set(key, session);
    }
    return session;
  }
}

/** The memory of this process. */
export const processMemory = new RegistryMemory();
