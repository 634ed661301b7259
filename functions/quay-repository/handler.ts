/** The function of Quay's `ImageRepository` (`appstudio.redhat.com`) as the cloud runs it. */
import { QUAY_IMAGE_REPOSITORY } from '../../shared/api/quay-image-repository.ts';
import { deployedEnvironment } from '../../shared/runtime/deployed-environment.ts';
import { kindText } from '../../shared/runtime/reconciler.ts';
import { createHandler } from '../../shared/runtime/stack.ts';
import { createReconciler } from './reconcile.ts';

const { settings, environment } = deployedEnvironment();

export const handler = createHandler(
  new Map([[kindText(QUAY_IMAGE_REPOSITORY), createReconciler({ settings })]]),
  environment,
);
