/** What a Quay holds (spec B.1). Plain data: tests read it, and it is kept on disk as it is. */
import { randomInt, randomUUID } from 'node:crypto';

export interface QuayState {
  tokens: Record<string, QuayToken>;
  organizations: Record<string, Organization>;
}

export type Scope = 'org:admin' | 'repo:admin' | 'repo:create' | 'repo:read' | 'repo:write';

export const ALL_SCOPES: Scope[] = ['org:admin', 'repo:admin', 'repo:create', 'repo:read', 'repo:write'];

/** An OAuth application token. */
export interface QuayToken {
  user: string;
  scopes: Scope[];
  expired?: boolean;
}

export interface Organization {
  admins: string[];
  /** Private repositories that the plan pays for; absent: an installation without billing. */
  privateLimit?: number;
  /** Robot accounts are switched off. */
  robotsDisabled?: boolean;
  robots: Record<string, RobotAccount>;
  repositories: Record<string, Repository>;
}

export interface RobotAccount {
  token: string;
  description: string;
  /** RFC 2822, as Quay writes times. */
  created: string;
  /** A mirror uses it: it cannot be deleted. */
  mirror?: boolean;
}

export interface Repository {
  isPublic: boolean;
  description: string;
  /** By full name: `org+robot`, or a user. */
  roles: Record<string, string>;
  notifications: StoredNotification[];
  /** Digest by tag. */
  tags: Record<string, string>;
  manifests: string[];
}

export interface StoredNotification {
  uuid: string;
  title: string;
  event: string;
  method: string;
  config: Record<string, unknown>;
  failures: number;
}

/** What a test or the demo starts with; what is left out is empty, scopes are all of them. */
export interface InitialState {
  tokens?: Record<string, Partial<QuayToken>>;
  organizations?: Record<string, Partial<Organization>>;
}

const DEFAULT_USER = 'admin';

/** A whole state from a partial one: the user of a token that names none is an admin of every organization that names none. */
export function completeState(initial: InitialState): QuayState {
  const state: QuayState = { tokens: {}, organizations: {} };
  for (const [token, given] of Object.entries(initial.tokens ?? {})) {
    state.tokens[token] = { user: DEFAULT_USER, scopes: ALL_SCOPES, ...given };
  }
  for (const [name, given] of Object.entries(initial.organizations ?? {})) {
    state.organizations[name] = { admins: [DEFAULT_USER], robots: {}, repositories: {}, ...given };
  }
  return state;
}

const TOKEN_LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';

/** 64 characters `A–Z0–9`, as Quay makes them (B.2.2). */
export function newRobotToken(): string {
  return Array.from({ length: 64 }, () => TOKEN_LETTERS[randomInt(TOKEN_LETTERS.length)]).join('');
}

export function newUuid(): string {
  return randomUUID();
}

/** `Thu, 21 Nov 2024 09:20:38 -0000`. */
export function quayTime(ms: number): string {
  return new Date(ms).toUTCString().replace('GMT', '-0000');
}
