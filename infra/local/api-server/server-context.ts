/** What every request handler works with. */
import type { ClusterState } from './cluster-state.ts';
import type { Registry } from './registry.ts';
import type { Tokens } from './tokens.ts';

export interface ServerContext {
  state: ClusterState;
  registry: Registry;
  tokens: Tokens;
  /** Milliseconds since 1970. */
  now(): number;
  /** In [0, 1). */
  random(): number;
  /** Calls back once after `ms`; the answer cancels it. */
  after(ms: number, callback: () => void): () => void;
}
