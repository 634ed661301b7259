/** Step 1 of 5.1: may this object use the cloud identity that it names? */
import { type ImageRepositorySpec, providerOf } from '../../shared/api/image-repository.ts';
import { StalledError } from '../../shared/runtime/errors.ts';
import type { Settings } from '../../shared/runtime/settings.ts';
import { REASON } from './failures.ts';

const GATE = 'ObjectLevelWorkloadIdentity';

/** @throws StalledError `FeatureGateDisabled` naming field and gate */
export function requireGate(spec: ImageRepositorySpec, settings: Pick<Settings, 'feature-gates'>): void {
  if (providerOf(spec) === 'generic' || !spec.serviceAccountName || settings['feature-gates'][GATE]) return;
  throw new StalledError(
    REASON.gate,
    `to use spec.serviceAccountName with provider '${providerOf(spec)}' the feature gate ${GATE} must be enabled`,
  );
}
