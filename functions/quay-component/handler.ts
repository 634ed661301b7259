/** The function of a Component's deprecated image annotations as the cloud runs it. */
import { COMPONENT } from '../../shared/api/component.ts';
import { deployedEnvironment } from '../../shared/runtime/deployed-environment.ts';
import { kindText } from '../../shared/runtime/reconciler.ts';
import { createHandler } from '../../shared/runtime/stack.ts';
import { createReconciler } from './reconcile.ts';

const { settings, environment } = deployedEnvironment();

export const handler = createHandler(
  new Map([[kindText(COMPONENT), createReconciler({ settings })]]),
  environment,
);
