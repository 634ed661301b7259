/** The schema of `OCIRepository` (spec 2, 3): what its CRD says and the embedded control plane checks. */
import * as z from 'zod';
import {
  DateTime,
  GoDuration,
  INITIAL_STATUS,
  Int64,
  LocalReference,
  reconcileStatusFields,
} from './fields.ts';
import { type Column, defineKind } from './kind.ts';
import { DEFAULT_TIMEOUT, OCI_REPOSITORY } from './oci-repository.ts';

const Reference = z.object({
  tag: z.string().optional().describe('Tag to follow. Defaults to latest.'),
  semver: z
    .string()
    .optional()
    .describe('Range of semantic versions; the highest tag inside it is taken. Wins over tag.'),
  semverFilter: z
    .string()
    .optional()
    .describe('Regular expression (RE2) that a tag must match, anywhere, before semver looks at it.'),
  digest: z
    .string()
    .optional()
    .describe('Digest of the manifest, sha256:<64 hex digits>. Wins over everything else.'),
});

const LayerSelector = z.object({
  mediaType: z
    .string()
    .optional()
    .describe(
      'The first layer of exactly this media type is taken. Not given: the first layer, or the chart.',
    ),
  operation: z
    .enum(['extract', 'copy'])
    .optional()
    .describe('extract unpacks the layer and packs it anew, without what is ignored; copy keeps its bytes.'),
});

const OidcIdentity = z.object({
  issuer: z.string().describe('Regular expression (RE2) for the OIDC issuer of the certificate.'),
  subject: z.string().describe('Regular expression (RE2) for the subject of the certificate.'),
});

const Verification = z.object({
  provider: z.enum(['cosign', 'notation']).default('cosign').describe('Who signed: the technology.'),
  secretRef: LocalReference.optional().describe(
    'Secret in the same namespace with the trusted public keys. Not given: keyless verification.',
  ),
  matchOIDCIdentity: z
    .array(OidcIdentity.describe('One identity that may have signed.'))
    .optional()
    .describe('Identities of which one must have signed, for keyless verification.'),
  trustedRootSecretRef: LocalReference.optional().describe(
    'Secret in the same namespace with the key trusted_root.json: the trust root of an own Sigstore.',
  ),
});

const Spec = z
  .object({
    url: z
      .string()
      .regex(/^oci:\/\/.*$/)
      .describe('Address of the repository, oci://<host>:<port>/<path>, without tag and digest.'),
    ref: Reference.optional().describe('What to pull: digest wins over semver, semver over tag.'),
    layerSelector: LayerSelector.optional().describe('Which layer to take, and what to do with it.'),
    provider: z
      .enum(['generic', 'aws', 'azure', 'gcp'])
      .default('generic')
      .describe('Cloud whose login is used where no Secret is given. generic: Secrets, or none.'),
    secretRef: LocalReference.optional().describe(
      'Secret in the same namespace with the credentials of the registry, as made by kubectl create secret docker-registry.',
    ),
    verify: Verification.optional().describe('The signature that the artifact must have.'),
    serviceAccountName: z
      .string()
      .optional()
      .describe(
        'ServiceAccount in the same namespace whose image pull secrets, or whose cloud identity, are used.',
      ),
    certSecretRef: LocalReference.optional().describe(
      'Secret in the same namespace with a CA certificate (ca.crt) and/or a client certificate and key (tls.crt, tls.key) for the registry. The older keys caFile, certFile and keyFile are read as well.',
    ),
    proxySecretRef: LocalReference.optional().describe(
      'Secret in the same namespace with the HTTP proxy for the registry: address, and optionally username and password.',
    ),
    interval: GoDuration.describe('Time between two looks at the registry, e.g. 5m or 1h30m. 0s: none.'),
    timeout: GoDuration.default(DEFAULT_TIMEOUT).describe(
      'Time that all requests of one run may take together, e.g. 60s.',
    ),
    ignore: z
      .string()
      .optional()
      .describe(
        'Rules in the format of .gitignore: what they match is left out. Takes the place of the default exclusions.',
      ),
    insecure: z
      .boolean()
      .optional()
      .describe(
        'Allows plain HTTP to the registry, and without certSecretRef also certificates that nobody vouches for.',
      ),
    suspend: z.boolean().optional().describe('Nothing happens while true. The artifact stays.'),
  })
  .describe('What to pull, and how.');

const Artifact = z.object({
  path: z.string().describe('Path of the file below the base of all URLs.'),
  url: z.string().describe('Address of the file: a plain GET answers with it.'),
  revision: z
    .string()
    .describe('What was pulled: <tag>@sha256:<hex>, or sha256:<hex> where a digest was asked for.'),
  digest: z
    .string()
    .regex(/^[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$/)
    // Releases of 2022 wrote only the checksum: an API server must still take a finalizer for such an object.
    .optional()
    .describe('Digest of the file, <algorithm>:<hex>.'),
  checksum: z
    .string()
    .optional()
    .describe('SHA-256 of the file as bare hex digits, as clients of 2022 read it.'),
  lastUpdateTime: DateTime.describe('When the file was stored.'),
  size: Int64.optional().describe('Length of the file in bytes.'),
  metadata: z
    .record(z.string(), z.string())
    .optional()
    .describe('The annotations of the manifest that was pulled.'),
});

const Status = z
  .object({
    ...reconcileStatusFields,
    url: z.string().optional().describe('Address that always answers with the current artifact.'),
    artifact: Artifact.optional().describe('The last artifact that was stored.'),
    contentConfigChecksum: z
      .string()
      .optional()
      .describe('Checksum of spec.ignore and spec.layerSelector, as clients of 2022 read it.'),
    observedIgnore: z.string().optional().describe('spec.ignore of the artifact.'),
    observedLayerSelector: LayerSelector.optional().describe('spec.layerSelector of the artifact.'),
  })
  .default(INITIAL_STATUS)
  .describe('What was observed.');

export type SpecInput = z.input<typeof Spec>;
export type StatusInput = Exclude<z.input<typeof Status>, undefined>;

const COLUMNS: Column[] = [
  { name: 'URL', type: 'string', jsonPath: '.spec.url' },
  { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
  { name: 'Status', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].message' },
  { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
];

export const OCI_REPOSITORY_KIND = defineKind({
  ...OCI_REPOSITORY,
  singular: 'ocirepository',
  shortNames: ['ocirepo'],
  categories: ['all', 'fluxcd', 'fluxcd-sources'],
  presentation: {
    v1: { columns: COLUMNS },
    v1beta2: { columns: COLUMNS, deprecation: 'v1beta2 OCIRepository is deprecated, upgrade to v1' },
  },
  // Flux's own values: what selects its CRDs by them finds ours too.
  labels: {
    'app.kubernetes.io/component': 'source-controller',
    'app.kubernetes.io/part-of': 'flux',
  },
  // `${…}` in it is not for kustomize-controller to fill in (spec 2.1).
  annotations: { 'kustomize.toolkit.fluxcd.io/substitute': 'disabled' },
  description:
    'OCIRepository turns an artifact of an OCI registry into a file that the controllers of a cluster download.',
  spec: Spec,
  status: Status,
});
