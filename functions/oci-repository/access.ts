/** How an object reaches its registry: credentials, proxy, TLS (S2 to S5), each failure in the words of its step. */
import { type OciRepository, providerOf } from '../../shared/api/oci-repository.ts';
import type { EventText } from '../../shared/kube/flux-events.ts';
import type { RegistryAccess } from '../../shared/oci/access.ts';
import type { CacheUse } from '../../shared/oci/cloud-tokens.ts';
import { AccessError } from '../../shared/oci/errors.ts';
import type { ImageName } from '../../shared/oci/image-name.ts';
import { prepareAccess } from '../../shared/oci/run-access.ts';
import { messageOf, RetryError, StalledError } from '../../shared/runtime/errors.ts';
import type { Run } from '../../shared/runtime/reconciler.ts';
import type { Settings } from '../../shared/runtime/settings.ts';
import { REASON } from './failures.ts';

/** Where this kind differs from others: Secrets win over the provider, `insecure` trusts any certificate. */
const RULES = { secretsFirst: true, insecureSkipsVerify: true };

export interface AccessOptions {
  run: Run;
  object: OciRepository;
  image: ImageName;
  settings: Settings;
  cacheUse: CacheUse;
  /** Gets what is odd about the Secrets: it may be why a later step fails. */
  warn(message: string): void;
  /** Gets the event about a Secret that is not there. */
  note(event: EventText): void;
}

/**
 * Reads the Secrets and service accounts that the object names; talks to no registry and no cloud.
 * @throws StalledError `FeatureGateDisabled`; Error with the whole message of the condition
 */
export async function openAccess(options: AccessOptions, signal: AbortSignal): Promise<RegistryAccess> {
  const { run, object, image, settings, cacheUse, warn, note } = options;
  const spec = { ...object.spec, provider: providerOf(object.spec) };
  const { namespace } = run.request;
  try {
    return await prepareAccess(
      { run, namespace, image, spec, settings, cacheUse, warn, rules: RULES },
      signal,
    );
  } catch (error) {
    if (!(error instanceof AccessError)) throw error;
    const missing = missingSecret(error);
    if (missing)
      note({ type: 'Normal', reason: REASON.access, message: `auth secret '${missing}' not found` });
    throw explained(error, object.spec.url, spec.provider);
  }
}

function explained(error: AccessError, url: string, provider: string): Error {
  const told = (prefix: string) => new Error(`${prefix}: ${messageOf(error)}`, { cause: error });
  switch (error.part) {
    case 'gate':
      return new StalledError(REASON.gate, messageOf(error));
    case 'credentials':
      return told('failed to get credential');
    case 'login':
      return told(`failed to get credential from ${provider}`);
    case 'tls':
      return told(`failed to generate transport for '${url}'`);
    default:
      return told('failed to get proxy address');
  }
}

/** Name of the pull secret that is not there. */
function missingSecret({ part, cause }: AccessError): string | undefined {
  if (part !== 'credentials' || !(cause instanceof RetryError)) return undefined;
  return /^secret '[^/]+\/([^']+)' not found$/.exec(cause.message)?.[1];
}
