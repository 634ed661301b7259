/** What a run has found out so far, for its end: a run that fails shows it, too. */
import type { OciRepository, StoredArtifact } from '../../shared/api/oci-repository.ts';
import type { EventText } from '../../shared/kube/flux-events.ts';
import type { Resolved } from './reference.ts';

export interface Findings {
  /** The artifact of the status, as long as nothing says that its file is lost. */
  artifact: StoredArtifact | undefined;
  /** What the reference stands for now; undefined: not known. */
  resolved: Resolved | undefined;
  /** The object asks for no signature, and the run got so far as to see it. */
  unverified: boolean;
  /** Events beside the one that tells of the result. */
  notes: EventText[];
}

export function startFindings(object: OciRepository): Findings {
  return { artifact: object.status?.artifact, resolved: undefined, unverified: false, notes: [] };
}
