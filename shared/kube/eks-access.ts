/**
 * Access to an EKS cluster with the function's own role: a presigned call of STS, which EKS makes to learn who we are
 * (design section 4). Nothing secret travels with the batch; an access entry of the cluster says what the role may do.
 */
import { createHash, createHmac } from 'node:crypto';
import type { Clock } from '../runtime/clock.ts';
import type { ClusterAccess } from '../runtime/contract.ts';
import type { ClusterEndpoint, TokenSource } from './transport.ts';

/** EKS reads tokens with this in front. */
const PREFIX = 'k8s-aws-v1.';
/** The header that binds a token to one cluster. */
const CLUSTER_HEADER = 'x-k8s-aws-id';
/** EKS takes a token for 15 minutes after it was signed. */
const RENEW_AFTER_MS = 10 * 60_000;
/** What the address itself says of its life; EKS wants no more. */
const EXPIRES_SECONDS = 60;

/** As Lambda puts them into the environment of a function. */
export interface AwsIdentity {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
  region: string;
}

/** The endpoint that a batch of this access brings. */
export function endpointFromEks(
  access: ClusterAccess & { provider: 'eks' },
  environment: Record<string, string | undefined>,
  clock: Clock,
): ClusterEndpoint {
  const { server, caData, cluster } = access;
  return { server, ...(caData && { ca: caData }), token: eksTokenSource(cluster, environment, clock) };
}

/** Signs a token when the last one is ten minutes old, or was refused. */
export function eksTokenSource(
  cluster: string,
  environment: Record<string, string | undefined>,
  clock: Clock,
): TokenSource {
  let current: Promise<string> | undefined;
  let signedAt = 0;
  return async (refused) => {
    const now = clock.now();
    const isRefused = refused !== undefined && refused === (await current);
    if (current && !isRefused && now - signedAt < RENEW_AFTER_MS) return current;
    signedAt = now;
    current = signEksToken(cluster, identityOf(environment), new Date(now));
    return current;
  };
}

/**
 * One token: the presigned address of `GetCallerIdentity`, in base64url.
 * @param at when it is signed: a clock that is minutes wrong makes tokens that nobody takes
 */
export async function signEksToken(cluster: string, identity: AwsIdentity, at: Date): Promise<string> {
  const { SignatureV4 } = await import('@smithy/signature-v4');
  const { region } = identity;
  const host = `sts.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`;
  const signer = new SignatureV4({ credentials: identity, region, service: 'sts', sha256: Sha256 });
  const signed = await signer.presign(
    {
      method: 'GET',
      protocol: 'https:',
      hostname: host,
      path: '/',
      query: { Action: 'GetCallerIdentity', Version: '2011-06-15' },
      headers: { host, [CLUSTER_HEADER]: cluster },
    },
    { expiresIn: EXPIRES_SECONDS, signingDate: at },
  );
  const query = new URLSearchParams(signed.query as Record<string, string>);
  return PREFIX + Buffer.from(`https://${host}/?${query}`).toString('base64url');
}

/** @throws Error that says what is missing */
function identityOf(environment: Record<string, string | undefined>): AwsIdentity {
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION } = environment;
  if (!AWS_ACCESS_KEY_ID || !AWS_SECRET_ACCESS_KEY || !AWS_REGION) {
    throw new Error(
      "access 'eks' needs the function's own role: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION are not all set",
    );
  }
  return {
    accessKeyId: AWS_ACCESS_KEY_ID,
    secretAccessKey: AWS_SECRET_ACCESS_KEY,
    ...(AWS_SESSION_TOKEN && { sessionToken: AWS_SESSION_TOKEN }),
    region: AWS_REGION,
  };
}

/** SHA-256 and its HMAC as the signer of the SDK wants them. */
export class Sha256 {
  #hash;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(secret));
  }

  update(data: Uint8Array | string): void {
    this.#hash.update(data);
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }

  reset(): void {
    throw new Error('a hash serves one signature');
  }
}

function bytesOf(source: string | ArrayBuffer | ArrayBufferView): Buffer {
  if (typeof source === 'string') return Buffer.from(source);
  if (source instanceof ArrayBuffer) return Buffer.from(source);
  return Buffer.from(source.buffer, source.byteOffset, source.byteLength);
}
