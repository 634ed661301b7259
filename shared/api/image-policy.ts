/**
 * `ImagePolicy` of `image.toolkit.fluxcd.io` (spec 2) as the relay and its function see it: names, types, and what is
 * in effect. Its schema is not here: an API server has checked the object, and building it costs time at every cold start.
 */
import type { KubeObject } from '../kube/resource.ts';
import { parseDuration } from '../runtime/duration.ts';
import type { ReferenceInput, SpecInput, StatusInput } from './image-policy-schema.ts';
import type { KindNames } from './kind.ts';

export const IMAGE_POLICY = {
  group: 'image.toolkit.fluxcd.io',
  kind: 'ImagePolicy',
  plural: 'imagepolicies',
  versions: ['v1', 'v1beta2', 'v1beta1'],
  finalizer: 'finalizers.fluxcd.io',
} as const satisfies KindNames;

/** As users write it: what has a default may be absent, because other CRDs have none (IR-API-2). */
export type ImagePolicySpec = SpecInput;
export type ImagePolicyStatus = StatusInput;
export type ImagePolicy = KubeObject<ImagePolicySpec, ImagePolicyStatus>;

/** The choice of a policy: `name` is `spec.image` of the repository as its owner wrote it, not the canonical name. */
export type ImageReference = ReferenceInput;

/** Rule A of IR-API-7: what an API server says of an interval that nothing uses. */
export const INTERVAL_UNUSED =
  "spec.interval is only accepted when spec.digestReflectionPolicy is set to 'Always'";

/** Rule B of IR-API-7, which older CRDs do not have: then the run says it (IR-API-8). */
export const INTERVAL_MISSING =
  "spec.interval must be set when spec.digestReflectionPolicy is set to 'Always'";

const DEFAULT_INTERVAL_MS = 10 * 60_000;

/** When digests are looked up; unset or empty is `Never`. Foreign CRDs let any other text pass. */
export function digestPolicyOf(spec: ImagePolicySpec): string {
  return spec.digestReflectionPolicy || 'Never';
}

/**
 * Time in milliseconds between two looks at the digest (IR-API-9): 0 unless the digest policy is `Always`, 10 minutes for
 * an interval of zero.
 * @throws RangeError when the text is no duration, which only foreign CRDs let pass
 */
export function intervalOf(spec: ImagePolicySpec): number {
  if (digestPolicyOf(spec) !== 'Always') return 0;
  return parseDuration(spec.interval ?? '0s') || DEFAULT_INTERVAL_MS;
}

/** The repository that a policy refers to: by default one of its own namespace. */
export function repositoryOf({ spec, metadata }: ImagePolicy): { namespace: string; name: string } {
  const { name, namespace } = spec.imageRepositoryRef;
  return { namespace: namespace || (metadata.namespace ?? ''), name };
}
