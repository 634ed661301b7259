/** The schema of `ImageRepository` (spec 2): what its CRD says and the embedded control plane checks. */
import * as z from 'zod';
import {
  DateTime,
  Duration,
  INITIAL_STATUS,
  LocalReference,
  reconcileStatusFields,
  ShortDuration,
} from './fields.ts';
import { DEFAULT_EXCLUSION_LIST, IMAGE_REPOSITORY } from './image-repository.ts';
import { type Column, defineKind } from './kind.ts';

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

export type SpecInput = z.input<typeof Spec>;
export type StatusInput = Exclude<z.input<typeof Status>, undefined>;

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

export const IMAGE_REPOSITORY_KIND = defineKind({
  ...IMAGE_REPOSITORY,
  singular: 'imagerepository',
  shortNames: ['imgrepo', 'imagerepo'],
  categories: ['all', 'fluxcd', 'fluxcd-images'],
  presentation: {
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
