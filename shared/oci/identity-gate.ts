/** May an object use the cloud identity that it names? (IR 5.1 step 1, 8.2 step 5) */
import { StalledError } from '../runtime/errors.ts';
import type { Settings } from '../runtime/settings.ts';
import type { AccessSpec } from './access.ts';

const GATE = 'ObjectLevelWorkloadIdentity';

/**
 * @param whose names the object where it is not the one that is reconciled, e.g. `ImageRepository 'apps/web'`
 * @throws StalledError `FeatureGateDisabled` naming field and gate
 */
export function requireIdentityGate(
  { provider = '', serviceAccountName }: AccessSpec,
  settings: Pick<Settings, 'feature-gates'>,
  whose?: string,
): void {
  if (provider === '' || provider === 'generic' || !serviceAccountName) return;
  if (settings['feature-gates'][GATE]) return;
  const field = `spec.serviceAccountName${whose ? ` of ${whose}` : ''}`;
  throw new StalledError(
    'FeatureGateDisabled',
    `to use ${field} with provider '${provider}' the feature gate ${GATE} must be enabled`,
  );
}
