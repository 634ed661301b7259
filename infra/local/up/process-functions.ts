/** The functions of this process, by name: each a reconciler in the stack that it has in the cloud as well. */

import { createReconciler as createImageRepository } from '../../../functions/image-repository/reconcile.ts';
import { IMAGE_REPOSITORY } from '../../../shared/api/image-repository.ts';
import type { FunctionEnvironment } from '../../../shared/runtime/environment.ts';
import { kindText } from '../../../shared/runtime/reconciler.ts';
import type { Settings } from '../../../shared/runtime/settings.ts';
import { createHandler, type FunctionHandler } from '../../../shared/runtime/stack.ts';

/** A further kind is a further entry: the folder below `functions/` and its reconciler. */
export function processFunctions(
  settings: Settings,
  environment: FunctionEnvironment,
): ReadonlyMap<string, FunctionHandler> {
  return new Map([
    [
      'image-repository',
      createHandler(
        new Map([[kindText(IMAGE_REPOSITORY), createImageRepository({ settings })]]),
        environment,
      ),
    ],
  ]);
}
