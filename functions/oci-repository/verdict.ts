/** How a run ended. */
import type { StoredArtifact } from '../../shared/api/oci-repository.ts';
import type { Failure } from '../../shared/runtime/failure.ts';

/** The stored artifact is what the spec asks for. */
export interface Success {
  result: 'ok';
  artifact: StoredArtifact;
  /** It was made by this run. */
  isNew: boolean;
  /** The alias shows it. */
  hasAlias: boolean;
  /** Time until the next run in milliseconds; 0: no timer. */
  waitMs: number;
}

export type Verdict = Success | Failure;
