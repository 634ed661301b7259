/**
 * Prepares the access of one object to its registry: proxy, TLS, credentials (spec 5.1 step 5, 6.1). Reads Secrets
 * and service accounts; talks to no registry and no cloud.
 */
import type { Clock } from '../runtime/clock.ts';
import type { Settings } from '../runtime/settings.ts';
import type { CredentialSource } from './credential.ts';
import type { ImageName } from './image-name.ts';

/** A Secret as `shared/kube/secret-reader.ts` gives it; values are decoded. */
export interface SecretContent {
  namespace: string;
  name: string;
  type: string;
  data: Record<string, Buffer>;
}

export interface ServiceAccountContent {
  namespace: string;
  name: string;
  annotations: Record<string, string>;
  /** Names of the Secrets in `imagePullSecrets`. */
  imagePullSecrets: string[];
}

/** Reads from the object's namespace; a missing object is an error with the texts of IR-AUTH-3. */
export interface AccessReader {
  secret(name: string, signal: AbortSignal): Promise<SecretContent>;
  serviceAccount(name: string, signal: AbortSignal): Promise<ServiceAccountContent>;
}

/** The fields of a spec that decide the access; the same for all kinds that read a registry. */
export interface AccessSpec {
  secretRef?: { name: string };
  certSecretRef?: { name: string };
  proxySecretRef?: { name: string };
  serviceAccountName?: string;
  provider?: string;
  insecure?: boolean;
}

export interface RegistryAccess {
  credentials: CredentialSource;
  insecure: boolean;
  /** Tells accesses apart: credentials, proxy, TLS material and `insecure` (decisions 4). */
  fingerprint: string;
  /** Deprecation notes, e.g. on old TLS keys; the caller logs them and emits them once per generation (decisions 7). */
  warnings: string[];
}

export interface AccessRequest {
  image: ImageName;
  namespace: string;
  spec: AccessSpec;
  reader: AccessReader;
  settings: Pick<
    Settings,
    | 'aws-autologin-for-ecr'
    | 'feature-gates'
    | 'default-service-account'
    | 'token-cache-max-size'
    | 'token-cache-max-duration'
  >;
  clock: Clock;
  /** Mints a token of a service account of the namespace (object-level identity); `token-access.ts` of `shared/kube`. */
  requestToken?: (
    request: { serviceAccount: string; audience: string; seconds: number },
    signal: AbortSignal,
  ) => Promise<string>;
}

/**
 * Prepares the access that a spec asks for.
 * @throws AccessError naming the object and key that cannot be used; what the reader throws for missing objects
 */
export async function resolveRegistryAccess(
  _request: AccessRequest,
  _signal: AbortSignal,
): Promise<RegistryAccess> {
  throw new Error('being written');
}
