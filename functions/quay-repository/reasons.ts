/** What conditions and events of this kind say: reasons, and the messages of spec 9.2 to the letter. */

export const REASON = {
  ready: 'Provisioned',
  provisioning: 'Provisioning',
  waiting: 'WaitingForComponent',
  failed: 'ProvisioningFailed',
  damaged: 'StatusDamaged',
  missing: 'RepositoryMissing',
} as const;

const RECOVER = 'Remove appstudio.openshift.io/image-repository finalizer to try to recover.';

export const MESSAGE = {
  planLimitAtCreation: 'Number of private repositories exceeds current quay plan limit',
  planLimit: 'Quay organization plan private repositories limit exceeded',
  damaged: `Object status was damaged. ${RECOVER}`,
  missing: `Image repository is missing. ${RECOVER}`,
  noNamespaceSecret: 'Namespace pull secret is disabled',
  noComponent: (name: string) => `Component '${name}' does not exist`,
} as const;

/** The states that only a person ends (spec 9.1), each with the reason of its conditions. */
export const FINAL_STATES: Record<string, string> = {
  failed: REASON.failed,
  damaged: REASON.damaged,
  missing: REASON.missing,
};
