/** The function of `ImagePolicy` (`image.toolkit.fluxcd.io`) as the cloud runs it. */
import { IMAGE_POLICY } from '../../shared/api/image-policy.ts';
import { deployedEnvironment } from '../../shared/runtime/deployed-environment.ts';
import { kindText } from '../../shared/runtime/reconciler.ts';
import { createHandler } from '../../shared/runtime/stack.ts';
import { createReconciler } from './reconcile.ts';

const { settings, environment } = deployedEnvironment();

export const handler = createHandler(
  new Map([[kindText(IMAGE_POLICY), createReconciler({ settings })]]),
  environment,
  { folder: 'tags', writes: false },
);
