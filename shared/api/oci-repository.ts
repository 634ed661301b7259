/**
 * `OCIRepository` of `source.toolkit.fluxcd.io` (spec 2, 3) as the relay and its function see it: names, types, and what
 * is in effect. Its schema is not here: building it costs time at every cold start.
 */
import type { KubeObject } from '../kube/resource.ts';
import { parseDuration } from '../runtime/duration.ts';
import type { KindNames } from './kind.ts';
import type { SpecInput, StatusInput } from './oci-repository-schema.ts';

export const OCI_REPOSITORY = {
  group: 'source.toolkit.fluxcd.io',
  kind: 'OCIRepository',
  plural: 'ocirepositories',
  versions: ['v1', 'v1beta2'],
  finalizer: 'finalizers.fluxcd.io',
} as const satisfies KindNames;

/** As users write it: what has a default may be absent, because other CRDs have none. */
export type OciRepositorySpec = SpecInput;
export type OciRepositoryStatus = StatusInput;
export type OciRepository = KubeObject<OciRepositorySpec, OciRepositoryStatus>;

export type OciReference = NonNullable<OciRepositorySpec['ref']>;
export type LayerSelector = NonNullable<OciRepositorySpec['layerSelector']>;
/** `status.artifact` (spec 3.1). One of another release may lack the digest: it counts as none (3.3). */
export type StoredArtifact = NonNullable<OciRepositoryStatus['artifact']>;

/** Media type of the layer that holds a Helm chart (spec 8.4, 12). */
export const HELM_CHART_LAYER = 'application/vnd.cncf.helm.chart.content.v1.tar+gzip';

/** What `spec.timeout` is where neither the object nor its CRD says so (spec 19.5). */
export const DEFAULT_TIMEOUT = '60s';

/**
 * Time in milliseconds that the remote work of a run may take (spec 19.4).
 * @throws RangeError when the text is no duration, which only foreign CRDs let pass
 */
export function timeoutOf(spec: OciRepositorySpec): number {
  return parseDuration(spec.timeout || DEFAULT_TIMEOUT);
}

/** The provider in effect; unset or empty is `generic`. Foreign CRDs let any other text pass. */
export function providerOf(spec: OciRepositorySpec): string {
  return spec.provider || 'generic';
}

/** What happens to the layer: unset or empty is `extract` (spec 12). Foreign CRDs let any other text pass. */
export function operationOf(selector: LayerSelector | undefined): string {
  return selector?.operation || 'extract';
}
