/** The functions of this process, by name: each a reconciler in the stack that it has in the cloud as well. */

import { createReconciler as createImagePolicy } from '../../../functions/image-policy/reconcile.ts';
import { createReconciler as createImageRepository } from '../../../functions/image-repository/reconcile.ts';
import { createReconciler as createOciRepository } from '../../../functions/oci-repository/reconcile.ts';
import { createReconciler as createQuayComponent } from '../../../functions/quay-component/reconcile.ts';
import { createReconciler as createQuayRepository } from '../../../functions/quay-repository/reconcile.ts';
import { COMPONENT } from '../../../shared/api/component.ts';
import { IMAGE_POLICY } from '../../../shared/api/image-policy.ts';
import { IMAGE_REPOSITORY } from '../../../shared/api/image-repository.ts';
import type { KindNames } from '../../../shared/api/kind.ts';
import { OCI_REPOSITORY } from '../../../shared/api/oci-repository.ts';
import { QUAY_IMAGE_REPOSITORY } from '../../../shared/api/quay-image-repository.ts';
import type { FunctionEnvironment } from '../../../shared/runtime/environment.ts';
import { kindText, type Reconcile } from '../../../shared/runtime/reconciler.ts';
import type { Settings } from '../../../shared/runtime/settings.ts';
import { createHandler, type FunctionHandler } from '../../../shared/runtime/stack.ts';

/** A further kind is a further entry: the folder below `functions/` and its reconciler. */
export function processFunctions(
  settings: Settings,
  environment: FunctionEnvironment,
): ReadonlyMap<string, FunctionHandler> {
  const serve = (kind: KindNames, reconcile: Reconcile) =>
    createHandler(new Map([[kindText(kind), reconcile]]), environment);
  return new Map([
    ['image-repository', serve(IMAGE_REPOSITORY, createImageRepository({ settings }))],
    ['image-policy', serve(IMAGE_POLICY, createImagePolicy({ settings }))],
    ['oci-repository', serve(OCI_REPOSITORY, createOciRepository({ settings }))],
    ['quay-repository', serve(QUAY_IMAGE_REPOSITORY, createQuayRepository({ settings }))],
    ['quay-component', serve(COMPONENT, createQuayComponent({ settings }))],
  ]);
}
