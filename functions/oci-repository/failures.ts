/** Reasons and messages of what goes wrong in a step (6.4, 6.5), and the condition that shows each of them. */
import { messageOf, StalledError } from '../../shared/runtime/errors.ts';
import type { Step } from '../../shared/runtime/failure.ts';

export const REASON = {
  succeeded: 'Succeeded',
  gate: 'FeatureGateDisabled',
  /** A field that no API server with our schema lets through: only foreign CRDs do. */
  spec: 'InvalidSpec',
  access: 'AuthenticationFailed',
  url: 'URLInvalid',
  choice: 'ReadOperationFailed',
  pull: 'OCIArtifactPullFailed',
  layer: 'OCIArtifactLayerOperationFailed',
  verification: 'VerificationError',
  stat: 'StatOperationFailed',
  scratch: 'DirectoryCreationFailed',
  ignore: 'SourceIgnoreError',
  archive: 'ArchiveOperationFailed',
  collection: 'GarbageCollectionFailed',
  patch: 'PatchOperationFailed',
} as const;

/** The condition of a failure. A reason that is not here shows in `Stalled` and `Ready` alone. */
const CONDITION_OF: Readonly<Record<string, FailureCondition>> = {
  [REASON.access]: 'FetchFailed',
  [REASON.url]: 'FetchFailed',
  [REASON.choice]: 'FetchFailed',
  [REASON.pull]: 'FetchFailed',
  [REASON.layer]: 'FetchFailed',
  [REASON.verification]: 'SourceVerified',
  [REASON.stat]: 'StorageOperationFailed',
  [REASON.scratch]: 'StorageOperationFailed',
  [REASON.ignore]: 'StorageOperationFailed',
  [REASON.archive]: 'StorageOperationFailed',
};

type FailureCondition = 'FetchFailed' | 'StorageOperationFailed' | 'SourceVerified';

/** Type of the condition that tells of a failure (17.1). */
export function conditionOf(reason: string): FailureCondition | undefined {
  return CONDITION_OF[reason];
}

/** The steps that may pass by themselves; `url` is `spec.url`. */
export const STEP = {
  check: { reason: REASON.stat, prefix: 'failed to check the stored artifact: ' },
  remove: { reason: REASON.stat, prefix: 'failed to remove artifact after digest mismatch: ' },
  access: { reason: REASON.access, prefix: '' },
  choose: (url: string) => ({
    reason: REASON.choice,
    prefix: `failed to determine the artifact tag for '${url}': `,
  }),
  resolve: { reason: REASON.pull, prefix: 'failed to determine artifact digest: ' },
  verify: (provider: string) => ({
    reason: REASON.verification,
    prefix: `failed to verify the signature using provider '${provider}': `,
  }),
  pull: (url: string) => ({ reason: REASON.pull, prefix: `failed to pull artifact from '${url}': ` }),
  parse: { reason: REASON.layer, prefix: 'failed to parse artifact manifest: ' },
  pick: { reason: REASON.layer, prefix: '' },
  extract: { reason: REASON.layer, prefix: 'failed to extract layer contents from artifact: ' },
  copy: { reason: REASON.layer, prefix: 'failed to copy layer from artifact: ' },
  ignore: { reason: REASON.ignore, prefix: 'failed to load source ignore patterns from repository: ' },
  scratch: { reason: REASON.scratch, prefix: 'failed to create temporary working directory: ' },
  storeExtracted: { reason: REASON.archive, prefix: 'unable to archive artifact to storage: ' },
  storeCopied: { reason: REASON.archive, prefix: 'unable to copy artifact to storage: ' },
} as const satisfies Record<string, Step | ((text: string) => Step)>;

/** The value of a text in the spec that only foreign CRDs let pass. @throws StalledError: a retry reads the same text */
export function readSpec<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new StalledError(REASON.spec, messageOf(error));
  }
}
