/**
 * `ImageRepository` of `image.toolkit.fluxcd.io` (spec 2) as the relay and its function see it: names, types, and what is
 * in effect. Its schema is not here: an API server has checked the object, and building it costs time at every cold start.
 */
import type { KubeObject } from '../kube/resource.ts';
import { parseDuration } from '../runtime/duration.ts';
import type { SpecInput, StatusInput } from './image-repository-schema.ts';
import type { KindNames } from './kind.ts';

export const IMAGE_REPOSITORY = {
  group: 'image.toolkit.fluxcd.io',
  kind: 'ImageRepository',
  plural: 'imagerepositories',
  versions: ['v1', 'v1beta2', 'v1beta1'],
  finalizer: 'finalizers.fluxcd.io',
} as const satisfies KindNames;

/** As users write it: what has a default may be absent, because other CRDs have none (IR-API-2). */
export type ImageRepositorySpec = SpecInput;
export type ImageRepositoryStatus = StatusInput;
export type ImageRepository = KubeObject<ImageRepositorySpec, ImageRepositoryStatus>;

/** Signatures of cosign: what is left out when `spec.exclusionList` has no entry (IR-REPO-14). */
export const DEFAULT_EXCLUSION_LIST = ['^.*\\.sig$'];

const SHORTEST_TIMEOUT_MS = 1000;

/**
 * Time in milliseconds that a run may take: `spec.timeout`, else `spec.interval`, at least 1 s (IR-API-5).
 * @throws RangeError when the text is no duration, which only foreign CRDs let pass
 */
export function timeoutOf(spec: ImageRepositorySpec): number {
  return Math.max(parseDuration(spec.timeout ?? spec.interval), SHORTEST_TIMEOUT_MS);
}

/** The exclusion list in effect: the spec's when it has an entry, else the default (IR-API-5). */
export function exclusionListOf(spec: ImageRepositorySpec): string[] {
  return spec.exclusionList?.length ? spec.exclusionList : DEFAULT_EXCLUSION_LIST;
}

/** The provider in effect; unset or empty is `generic` (IR-API-5). Foreign CRDs let any other text pass. */
export function providerOf(spec: ImageRepositorySpec): string {
  return spec.provider || 'generic';
}
