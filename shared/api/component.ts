/**
 * `Component` of `appstudio.redhat.com`: a kind of somebody else. We watch it, read a few fields (spec 12.3), carry out
 * the deprecated `image.redhat.com` annotations (13), and never define its CRD.
 */
import type { KubeObject } from '../kube/resource.ts';
import type { KindNames } from './kind.ts';

export const COMPONENT = {
  group: 'appstudio.redhat.com',
  kind: 'Component',
  plural: 'components',
  versions: ['v1alpha1'],
  /** Present while the annotation `image.redhat.com/image` names a repository that we made. */
  finalizer: 'image-controller.appstudio.openshift.io/image-repository',
} as const satisfies KindNames;

/** The deprecated annotations: the request, its result, and whether the repository goes with the Component (13.1). */
export const COMPONENT_ANNOTATION = {
  generate: 'image.redhat.com/generate',
  image: 'image.redhat.com/image',
  deleteRepository: 'image.redhat.com/delete-image-repo',
} as const;

/** The fields that we use. */
export interface ComponentSpec {
  application?: string;
  componentName?: string;
  /** Repository without a tag. */
  containerImage?: string;
}

export type Component = KubeObject<ComponentSpec | undefined>;
