/** Who we are towards a registry. */

/** What a pull secret or a cloud login gives (IR-KEY-2). All absent: anonymous. */
export interface Credential {
  username?: string;
  password?: string;
  /** Exchanged at the token service for access tokens. */
  identityToken?: string;
  /** Used as bearer token as it is. */
  registryToken?: string;
}

/** Where the credential of one object comes from. */
export interface CredentialSource {
  /** Tells credentials apart without holding one: remembered challenges and tokens are keyed by it (decisions 4). */
  readonly fingerprint: string;
  /** @throws RegistryError code `login`: a cloud login happens here, at the first request of a scan (IR-REPO-1) */
  get(signal: AbortSignal): Promise<Credential | undefined>;
  /** The registry refused it. Answers whether the next `get` may give another one (IR-AWS-4). */
  forget(): boolean;
}

/** Nobody. */
export const ANONYMOUS: CredentialSource = {
  fingerprint: 'anonymous',
  get: async () => undefined,
  forget: () => false,
};

/** `Basic` header of a user, whose password may be empty; undefined without a user. */
export function basicHeader(credential: Credential | undefined): string | undefined {
  if (!credential?.username) return undefined;
  const pair = `${credential.username}:${credential.password ?? ''}`;
  return `Basic ${Buffer.from(pair).toString('base64')}`;
}
