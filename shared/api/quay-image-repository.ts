/**
 * `ImageRepository` of `appstudio.redhat.com` (spec 3) as the relay and its function see it: names and types. It shares
 * its kind and its plural with Flux's: never use either without the group. Its schema is not here, as for every kind.
 */
import type { KubeObject } from '../kube/resource.ts';
import type { KindNames } from './kind.ts';
import type { SpecInput, StatusInput } from './quay-image-repository-schema.ts';

export const QUAY_IMAGE_REPOSITORY = {
  group: 'appstudio.redhat.com',
  kind: 'ImageRepository',
  plural: 'imagerepositories',
  versions: ['v1alpha1'],
  /** Present as long as the object is provisioned: whoever sees it sees state `ready` (6.3). */
  finalizer: 'appstudio.openshift.io/image-repository',
} as const satisfies KindNames;

/** Present while provisioning is under way: there may be something in Quay that has to be removed (6.3). */
export const PROVISIONING_FINALIZER = 'image-controller.appstudio.redhat.com/provisioning';

/** Labels that link an object to a Component; both must be there, and they count until the write-ahead only. */
export const COMPONENT_LABEL = 'appstudio.redhat.com/component';
export const APPLICATION_LABEL = 'appstudio.redhat.com/application';

/** Annotations of the object (3.4). */
export const QUAY_ANNOTATION = {
  updateComponentImage: 'image-controller.appstudio.redhat.com/update-component-image',
  skipRepositoryDeletion: 'image-controller.appstudio.redhat.com/skip-repository-deletion',
  retry: 'image-controller.appstudio.redhat.com/retry',
} as const;

export type Visibility = 'public' | 'private';

/** `spec` may be missing altogether: every field has a default that the function knows. */
export type QuayImageRepositorySpec = SpecInput;
export type QuayImageRepositoryStatus = StatusInput;
export type QuayCredentials = NonNullable<QuayImageRepositoryStatus['credentials']>;
export type SpecNotification = NonNullable<QuayImageRepositorySpec['notifications']>[number];
export type StatusNotification = NonNullable<QuayImageRepositoryStatus['notifications']>[number];
export type QuayImageRepository = KubeObject<QuayImageRepositorySpec | undefined, QuayImageRepositoryStatus>;
