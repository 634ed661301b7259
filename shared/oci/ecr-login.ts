/** Credentials for ECR: made at the first request of a scan, kept per registry, identity and proxy (IR-AWS-1 to 4). */
import type { Clock } from '../runtime/clock.ts';
import { messageOf } from '../runtime/errors.ts';
import { redact } from '../runtime/redact.ts';
import type { Reach } from './address-guard.ts';
import type { CacheUse, CloudTokens } from './cloud-tokens.ts';
import { agentForCloud } from './connections.ts';
import type { Credential, CredentialSource } from './credential.ts';
import type { AwsCredentials, EcrApi } from './ecr-api.ts';
import { type EcrHost, parseEcrHost } from './ecr-host.ts';
import { RegistryError } from './errors.ts';
import { stopped } from './http-exchange.ts';
import type { ProxyChoice } from './proxy.ts';
import { shareFlight } from './shared-flight.ts';

/** A service account's own role, instead of the function's. */
export interface ObjectIdentity {
  namespace: string;
  serviceAccount: string;
  roleArn: string;
  /** Mints a token of the service account. */
  requestToken(request: { audience: string; seconds: number }, signal: AbortSignal): Promise<string>;
}

export interface EcrLoginOptions {
  /** Registry host as it stands in the image. */
  host: string;
  identity: ObjectIdentity | undefined;
  proxyFor: ProxyChoice;
  /** Where a proxy of the object may stand. */
  reach: Reach;
  /** Proxy address with its credentials; empty: none. Part of the key, never shown. */
  proxyKey: string;
  tokens: CloudTokens;
  /** Counts what is asked of them. */
  use: CacheUse;
  api: () => Promise<EcrApi>;
  clock: Clock;
}

const AUDIENCE = 'sts.amazonaws.com';
const IDENTITY_TOKEN_SECONDS = 600;
const LONGEST_SESSION_NAME = 64;

/** Nothing is asked before the first `get`. */
export function ecrCredentials(options: EcrLoginOptions): CredentialSource {
  const { host, identity, tokens, use, clock } = options;
  const who = identity ? `${identity.namespace}/${identity.serviceAccount} ${identity.roleArn}` : '';
  const region = parseEcrHost(host)?.region ?? '';
  const key = ['aws', host, region, who, options.proxyKey].join('\n');
  let fresh = false;
  let held = false;
  return {
    fingerprint: key,
    async get(signal) {
      const kept = tokens.get(key, clock.now());
      if (kept) {
        // Every request of a scan asks: what the run holds already is no hit of its own.
        if (!held) use.hits += 1;
        held = true;
        use.items = tokens.items;
        return kept;
      }
      fresh = true;
      use.misses += 1;
      held = false;
      try {
        const credential = await shareFlight(tokens.flights, key, () => login(key, options, signal), signal);
        held = true;
        return credential;
      } finally {
        if (!held) use.failures += 1;
        use.items = tokens.items;
      }
    },
    // One that this very run was given and that is refused will not get better by asking for another.
    forget: () => tokens.delete(key) && !fresh,
  };
}

async function login(key: string, options: EcrLoginOptions, signal: AbortSignal): Promise<Credential> {
  const host = parseEcrHost(options.host);
  if (!host) {
    throw new RegistryError('login', `invalid AWS registry: '${options.host}' is no host of ECR`);
  }
  try {
    const { tokens, use, clock } = options;
    const { token, expiresAt } = await requestEcrToken(host, options, signal);
    const credential = decodeToken(token);
    if (tokens.set(key, { credential, expiresAt }, clock.now())) use.evictions += 1;
    return credential;
  } catch (error) {
    if (signal.aborted) throw stopped(`AWS login to '${options.host}'`, signal);
    const name = error instanceof Error && error.name !== 'Error' ? `${error.name}: ` : '';
    const text = redact(`AWS login to '${options.host}' failed: ${name}${messageOf(error)}`);
    throw new RegistryError('login', text, { cause: error });
  }
}

async function requestEcrToken(
  host: EcrHost,
  { identity, proxyFor, reach, api }: EcrLoginOptions,
  signal: AbortSignal,
) {
  const aws = await api();
  const call = { host, agent: await agentForCloud(proxyFor, reach) };
  let credentials: AwsCredentials | undefined;
  if (identity) {
    const webIdentityToken = await identity.requestToken(
      { audience: AUDIENCE, seconds: IDENTITY_TOKEN_SECONDS },
      signal,
    );
    const { roleArn } = identity;
    const request = { roleArn, sessionName: sessionName(identity, host.region), webIdentityToken };
    credentials = await aws.assumeRole(call, request, signal);
  }
  return aws.authorizationToken(call, credentials, signal);
}

function sessionName({ serviceAccount, namespace }: ObjectIdentity, region: string): string {
  return `${serviceAccount}.${namespace}.${region}.fluxcd.io`.slice(0, LONGEST_SESSION_NAME);
}

/** The token is base64 of `AWS:<password>`. */
function decodeToken(token: string): Credential {
  const text = Buffer.from(token, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon <= 0) throw new Error('the token of ECR is not base64 of user:password');
  return { username: text.slice(0, colon), password: text.slice(colon + 1) };
}
