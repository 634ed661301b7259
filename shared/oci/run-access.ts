/** The access of a run to its registry: `access.ts` with the cluster of the run behind it. */
import { createSecretReader } from '../kube/secret-reader.ts';
import { mintToken } from '../kube/token-access.ts';
import type { Run } from '../runtime/reconciler.ts';
import { type AccessRequest, type RegistryAccess, resolveRegistryAccess } from './access.ts';

export interface RunAccessOptions
  extends Pick<AccessRequest, 'image' | 'spec' | 'settings' | 'cacheUse' | 'rules'> {
  run: Pick<Run, 'kube' | 'clock' | 'secrets' | 'log'>;
  /** Where Secrets and service accounts are read: that of the object whose spec it is. */
  namespace: string;
  /** Gets what is odd about the Secrets: it may be why a later step fails. */
  warn?(message: string): void;
}

/**
 * Reads the Secrets and service accounts that a spec names; talks to no registry and no cloud.
 * @throws AccessError naming field and object
 */
export async function prepareAccess(
  { run, namespace, warn, ...request }: RunAccessOptions,
  signal: AbortSignal,
): Promise<RegistryAccess> {
  const { kube, clock, secrets } = run;
  const access = await resolveRegistryAccess(
    {
      ...request,
      namespace,
      reader: createSecretReader({ kube, namespace, secrets }),
      clock,
      secrets,
      requestToken: async (wanted, stop) => (await mintToken(kube, { namespace, ...wanted }, stop)).token,
    },
    signal,
  );
  for (const warning of access.warnings) {
    run.log.info(warning);
    warn?.(warning);
  }
  return access;
}
