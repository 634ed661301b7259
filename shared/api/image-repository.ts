/** `ImageRepository` of `image.toolkit.fluxcd.io`: scans the tags of an image repository (spec 2). */
import * as z from 'zod';
import type { KubeObject } from '../kube/resource.ts';
import { parseDuration } from '../runtime/duration.ts';
import {
  DateTime,
  Duration,
  INITIAL_STATUS,
  LocalReference,
  reconcileStatusFields,
  ShortDuration,
} from './fields.ts';
import { type Column, defineKind, type Kind } from './kind.ts';

/** Signatures of cosign: what is left out when `spec.exclusionList` has no entry (IR-REPO-14). */
export const DEFAULT_EXCLUSION_LIST = ['^.*\\.sig$'];

const SHORTEST_TIMEOUT_MS = 1000;

const NamespaceSelector = z.object({
  matchLabels: z
    .record(z.string(), z.string())
    .optional()
    .describe('Labels that the namespace must have, all of them. Empty: every namespace matches.'),
});

const Spec = z
  .object({
    image: z
      .string()
      .describe('Name of the image repository without scheme, tag and digest, e.g. ghcr.io/org/app.'),
    interval: Duration.describe('Time between two scans, e.g. 5m or 1h30m. 0s: no periodic scans.'),
    timeout: ShortDuration.optional().describe(
      'Time that one scan may take, e.g. 60s. Hours cannot be used. Defaults to the interval.',
    ),
    secretRef: LocalReference.optional().describe(
      'Secret in the same namespace with the credentials of the registry, as made by kubectl create secret docker-registry.',
    ),
    proxySecretRef: LocalReference.optional().describe(
      'Secret in the same namespace with the HTTP proxy for the registry: address, and optionally username and password.',
    ),
    serviceAccountName: z
      .string()
      .max(253)
      .optional()
      .describe(
        'ServiceAccount in the same namespace whose image pull secrets, or whose cloud identity, are used.',
      ),
    certSecretRef: LocalReference.optional().describe(
      'Secret in the same namespace with a CA certificate (ca.crt) and/or a client certificate and key (tls.crt, tls.key) for the registry. The older keys caFile, certFile and keyFile are read as well.',
    ),
    suspend: z.boolean().optional().describe('No further scans while true. A scan that runs is not stopped.'),
    accessFrom: z
      .object({
        namespaceSelectors: z
          .array(NamespaceSelector.describe('Selects namespaces by their labels.'))
          .describe('Namespaces that any of these entries selects have access.'),
      })
      .optional()
      .describe(
        'Namespaces whose policies may refer to this object. The own namespace always has access, others only through this list.',
      ),
    exclusionList: z
      .array(z.string())
      .max(25)
      .default(DEFAULT_EXCLUSION_LIST)
      .describe(
        'Regular expressions (RE2). A tag that one of them matches anywhere is left out. An empty list is the default list; a pattern that matches nothing, such as ^$, keeps every tag.',
      ),
    provider: z
      .enum(['generic', 'aws', 'azure', 'gcp'])
      .default('generic')
      .describe('Cloud whose login is used for the registry. generic: Secrets, or none.'),
    insecure: z
      .boolean()
      .optional()
      .describe('Allows plain HTTP to the registry where HTTPS does not answer.'),
  })
  .describe('What to scan, and how.');

const ScanResult = z.object({
  tagCount: z.int().describe('Number of tags, without the excluded ones.'),
  scanTime: DateTime.optional().describe('When the tags were stored.'),
  revision: z
    .string()
    .optional()
    .describe('Checksum of the tags. Equal as long as the tags are; compare it, do not parse it.'),
  latestTags: z
    .array(z.string())
    .optional()
    .describe('A sample for people: the last ten tags by the order of their bytes, not the newest ones.'),
});

const Status = z
  .object({
    ...reconcileStatusFields,
    canonicalImageName: z
      .string()
      .optional()
      .describe('Full name of the last image scanned, e.g. docker.io/library/alpine for alpine.'),
    lastScanResult: ScanResult.optional().describe('The last scan that succeeded.'),
    observedExclusionList: z
      .array(z.string())
      .optional()
      .describe('The exclusion list of the last scan that succeeded, the default included.'),
  })
  .default(INITIAL_STATUS)
  .describe('What was observed.');

/** As users write it: what has a default may be absent, because other CRDs have none (IR-API-2). */
export type ImageRepositorySpec = z.input<typeof Spec>;
export type ImageRepositoryStatus = Exclude<z.input<typeof Status>, undefined>;
export type ImageRepository = KubeObject<ImageRepositorySpec, ImageRepositoryStatus>;

const TAGS: Column = { name: 'Tags', type: 'string', jsonPath: '.status.lastScanResult.tagCount' };
const LAST_SCAN: Column = { name: 'Last scan', type: 'string', jsonPath: '.status.lastScanResult.scanTime' };

const COLUMNS: Column[] = [
  { name: 'Image', type: 'string', jsonPath: '.spec.image' },
  TAGS,
  { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
  { name: 'Status', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].message' },
  { ...LAST_SCAN, priority: 1 },
  { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
];

export const IMAGE_REPOSITORY: Kind = defineKind({
  group: 'image.toolkit.fluxcd.io',
  kind: 'ImageRepository',
  plural: 'imagerepositories',
  singular: 'imagerepository',
  shortNames: ['imgrepo', 'imagerepo'],
  categories: ['all', 'fluxcd', 'fluxcd-images'],
  finalizer: 'finalizers.fluxcd.io',
  versions: {
    v1: { columns: COLUMNS },
    v1beta2: {
      columns: COLUMNS,
      deprecation: 'image.toolkit.fluxcd.io/v1beta2 ImageRepository is deprecated, use v1',
    },
    // The founding documents' version: not deprecated, so that their commands print no warning.
    v1beta1: { columns: [LAST_SCAN, TAGS] },
  },
  // Flux's own values: what selects its CRDs by them finds ours too (spec 2.1).
  labels: {
    'app.kubernetes.io/component': 'image-reflector-controller',
    'app.kubernetes.io/part-of': 'flux',
  },
  description:
    'ImageRepository scans the tags of an image repository at an interval. ImagePolicy objects choose among them.',
  spec: Spec,
  status: Status,
});

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
