/**
 * Prepares the access of one object to its registry: proxy, TLS, credentials (spec 5.1 step 5, 6.1). Reads Secrets
 * and service accounts; talks to no registry and no cloud.
 */
import { createHash } from 'node:crypto';
import type { SecretData, SecretReader } from '../kube/secret-reader.ts';
import type { Clock } from '../runtime/clock.ts';
import { messageOf } from '../runtime/errors.ts';
import type { RunSecrets } from '../runtime/redact.ts';
import type { Settings } from '../runtime/settings.ts';
import { cloudCredentials } from './cloud-credentials.ts';
import type { CacheUse } from './cloud-tokens.ts';
import { ANONYMOUS, type Credential, type CredentialSource } from './credential.ts';
import type { EcrApi } from './ecr-api.ts';
import { parseEcrHost } from './ecr-host.ts';
import { AccessError, type AccessPart } from './errors.ts';
import type { ImageName } from './image-name.ts';
import { type ProxyChoice, processProxies, readProxySecret } from './proxy.ts';
import { findCredential, isPullSecret } from './pull-secret.ts';
import { readTlsSecret, systemTls, type TlsMaterial } from './tls-material.ts';

/** The fields of a spec that decide the access; the same for all kinds that read a registry. */
export interface AccessSpec {
  secretRef?: { name: string };
  certSecretRef?: { name: string };
  proxySecretRef?: { name: string };
  serviceAccountName?: string;
  /** Absent or empty: `generic`. */
  provider?: string;
  insecure?: boolean;
}

export interface RegistryAccess {
  credentials: CredentialSource;
  tls: TlsMaterial;
  /** `insecure` without a CA where the kind says that certificates are then not checked. */
  skipVerify: boolean;
  proxyFor: ProxyChoice;
  insecure: boolean;
  /** Tells accesses apart: credentials, proxy, TLS material and `insecure` (decisions 4). */
  fingerprint: string;
  /** Notes on old TLS keys and ignored Secrets; the caller logs them and emits them once per generation (decisions 7). */
  warnings: string[];
}

export interface AccessRequest {
  image: ImageName;
  namespace: string;
  spec: AccessSpec;
  /** Reads from `namespace`; a missing object is an error with the texts of IR-AUTH-3. */
  reader: SecretReader;
  settings: Pick<
    Settings,
    | 'aws-autologin-for-ecr'
    | 'feature-gates'
    | 'default-service-account'
    | 'token-cache-max-size'
    | 'token-cache-max-duration'
    | 'allow-private-addresses'
    | 'allow-loopback-addresses'
  >;
  clock: Clock;
  /** Gets what was decoded from pull secrets, so that no text of the run can show it. */
  secrets?: RunSecrets;
  /** Counts what the access asks of the cache of cloud tokens, for the metrics of the run. */
  cacheUse?: CacheUse;
  /** Mints a token of a service account of the namespace (object-level identity). */
  requestToken?: (
    request: { serviceAccount: string; audience: string; seconds: number },
    signal: AbortSignal,
  ) => Promise<string>;
  /** Where kinds differ (decisions 11). Both false: ImageRepository; both true: OCIRepository. */
  rules?: {
    /** Pull secrets win over the provider. */
    secretsFirst: boolean;
    /** `insecure` without a CA accepts any certificate. */
    insecureSkipsVerify: boolean;
  };
  /** Proxies of objects that name none; by default those of the process's environment. */
  proxies?: ProxyChoice;
  /** The AWS API; by default the real one. */
  ecrApi?: EcrApi;
}

/**
 * Prepares the access that a spec asks for, in the order of 6.1; pull secrets before everything else where they win.
 * @throws AccessError naming the part, and the object and key that cannot be used
 */
export async function resolveRegistryAccess(
  request: AccessRequest,
  signal: AbortSignal,
): Promise<RegistryAccess> {
  const { spec, reader, rules } = request;
  const warnings: string[] = [];
  const readSecrets = () => inPart('credentials', () => readPullSecrets(request, warnings, signal));
  const first = rules?.secretsFirst ? await readSecrets() : undefined;
  const proxy = await inPart('proxy', async () => {
    const { proxySecretRef } = spec;
    return proxySecretRef && readProxySecret(await reader.secret(proxySecretRef.name, signal));
  });
  const proxyFor: ProxyChoice = proxy ? () => proxy : (request.proxies ?? processProxies());
  const tls = await inPart('tls', async () => {
    const { certSecretRef } = spec;
    return certSecretRef && readTlsSecret(await reader.secret(certSecretRef.name, signal), warnings);
  });
  const insecure = spec.insecure ?? false;
  const skipVerify = insecure && !tls && (rules?.insecureSkipsVerify ?? false);
  const proxyKey = proxy?.url.href ?? '';
  const credentials = await resolveCredentials(
    { ...request, proxyFor, proxyKey },
    first,
    readSecrets,
    signal,
  );
  const secret = credentials.fingerprint + proxyKey;
  const known =
    secret === ANONYMOUS.fingerprint ? secret : fingerprintOf([credentials.fingerprint, proxyKey]);
  const material = tls ?? systemTls();
  const fingerprint = [known, material.fingerprint, insecure, skipVerify].join(' ');
  return { credentials, tls: material, skipVerify, proxyFor, insecure, fingerprint, warnings };
}

/**
 * Cloud credentials or pull secrets, whichever the kind asks first; else nobody.
 * @param first pull secrets that win over the provider; @param readSecrets reads those that do not
 */
async function resolveCredentials(
  request: AccessRequest & { proxyFor: ProxyChoice; proxyKey: string },
  first: SecretData[] | undefined,
  readSecrets: () => Promise<SecretData[]>,
  signal: AbortSignal,
): Promise<CredentialSource> {
  const { spec, image, settings } = request;
  const provider = spec.provider || 'generic';
  const logIn = (cloud: string, account: string) =>
    inPart('login', () => cloudCredentials({ ...request, provider: cloud, account }, signal));
  if (first && (first.length > 0 || provider === 'generic')) return secretCredentials(first, request);
  if (provider !== 'generic') {
    return logIn(provider, spec.serviceAccountName || settings['default-service-account']);
  }
  // IR-ECR-2: never a fall-back after a Secret that did not match (decisions 9).
  if (settings['aws-autologin-for-ecr'] && !spec.secretRef && parseEcrHost(image.host)) {
    return logIn('aws', '');
  }
  return secretCredentials(await readSecrets(), request);
}

/** Lets an error say which part of the access cannot be used. */
async function inPart<T>(part: AccessPart, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof AccessError && error.part) throw error;
    throw new AccessError(messageOf(error), { part, cause: error });
  }
}

/** `secretRef` first, then the pull secrets of the service account in their order; others are left out with a note. */
async function readPullSecrets(
  { spec, reader }: AccessRequest,
  warnings: string[],
  signal: AbortSignal,
): Promise<SecretData[]> {
  const names = spec.secretRef ? [spec.secretRef.name] : [];
  if (spec.serviceAccountName) {
    names.push(...(await reader.serviceAccount(spec.serviceAccountName, signal)).imagePullSecrets);
  }
  const secrets: SecretData[] = [];
  for (const name of names) {
    const secret = await reader.secret(name, signal);
    if (isPullSecret(secret)) secrets.push(secret);
    else {
      const where = `secret '${secret.namespace}/${secret.name}'`;
      warnings.push(`${where} of type '${secret.type}' is ignored: it is no image pull secret`);
    }
  }
  return secrets;
}

/** The first Secret with a matching entry decides; all of them must be readable (IR-KEY-1, IR-KEY-6). */
async function secretCredentials(
  secrets: SecretData[],
  { image, ...request }: AccessRequest,
): Promise<CredentialSource> {
  const found = await inPart('credentials', async () =>
    secrets.map((secret) => findCredential(secret, image)).find((credential) => credential),
  );
  if (!found) return ANONYMOUS;
  for (const value of secretValues(found)) request.secrets?.add(value);
  return { fingerprint: fingerprintOf(['secret', found]), get: async () => found, forget: () => false };
}

/** The pair as well: a registry that quotes our `Authorization` header shows it in base64. */
function secretValues({ username, password, identityToken, registryToken }: Credential): string[] {
  const pair = username && password ? `${username}:${password}` : undefined;
  return [pair, password, identityToken, registryToken].filter((value) => value !== undefined);
}

/** Equal for equal parts, without showing them. */
function fingerprintOf(parts: unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
}
