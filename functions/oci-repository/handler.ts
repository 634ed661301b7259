/** The function of `OCIRepository` (`source.toolkit.fluxcd.io`) as the cloud runs it. */
import { OCI_REPOSITORY } from '../../shared/api/oci-repository.ts';
import { deployedEnvironment } from '../../shared/runtime/deployed-environment.ts';
import { kindText } from '../../shared/runtime/reconciler.ts';
import { SettingsError } from '../../shared/runtime/settings.ts';
import { createHandler } from '../../shared/runtime/stack.ts';
import { createReconciler } from './reconcile.ts';

const { settings, environment } = deployedEnvironment();
if (!settings['artifact-base-url']) {
  throw new SettingsError(['ARTIFACT_BASE_URL: what the URLs of artifacts begin with is not set']);
}

export const handler = createHandler(
  new Map([[kindText(OCI_REPOSITORY), createReconciler({ settings })]]),
  environment,
  { folder: 'artifacts/ocirepository', writes: true },
);
