/** Signatures (S10). Until this release can check them, an object that asks for one gets nothing new: it fails closed. */
import type { OciRepository, StoredArtifact } from '../../shared/api/oci-repository.ts';
import { findCondition } from '../../shared/kube/conditions.ts';
import type { Step } from '../../shared/runtime/failure.ts';
import { STEP } from './failures.ts';

/** How messages call what would verify. */
export function verificationStep({ verify }: OciRepository['spec']): Step {
  const provider = verify?.provider || 'cosign';
  return STEP.verify(provider === 'cosign' && !verify?.secretRef ? 'cosign keyless' : provider);
}

/**
 * Passes only what was verified before, e.g. by the controller that managed the object until now: the stored artifact,
 * for the spec as it is.
 * @throws Error with the text that follows `failed to verify the signature …: `
 */
export function requireSignature(
  { metadata, status }: OciRepository,
  artifact: StoredArtifact | undefined,
  revision: string,
): void {
  const verified = findCondition(status?.conditions, 'SourceVerified');
  const isOfThis = verified?.observedGeneration === metadata.generation && artifact?.revision === revision;
  if (isOfThis && verified?.status === 'True') return;
  throw new Error('this release cannot verify signatures yet: nothing is pulled while spec.verify is set');
}
