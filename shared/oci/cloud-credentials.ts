/** Credentials of the providers `aws`, `azure` and `gcp` (6.4): what can be prepared without asking the cloud. */
import type { ServiceAccountData } from '../kube/secret-reader.ts';
import type { AccessRequest } from './access.ts';
import { noCacheUse, processCloudTokens } from './cloud-tokens.ts';
import type { CredentialSource } from './credential.ts';
import { ecrCredentials, type ObjectIdentity } from './ecr-login.ts';
import { AccessError } from './errors.ts';
import type { ProxyChoice } from './proxy.ts';

export interface CloudRequest extends AccessRequest {
  provider: string;
  /** Service account whose identity is used; empty: the function's own role (IR-AUTH-2). */
  account: string;
  proxyFor: ProxyChoice;
  /** Address of the object's proxy with its credentials; empty: none. */
  proxyKey: string;
}

const ROLE_ANNOTATION = 'eks.amazonaws.com/role-arn';
const ROLE_ARN = /^arn:aws[\w-]*:iam::[0-9]{1,30}:role\/.{1,200}$/;

/** Providers that the schema knows and this release does not, with the identity that they would need (IR-AZ-1, IR-GCP-3). */
const NOT_YET: Record<string, string> = {
  azure: 'an Entra ID workload identity',
  gcp: 'a Google Cloud workload identity',
};

/**
 * A source that logs in when it is first asked.
 * @throws AccessError for a provider that is not there, a service account without a usable role, or a closed gate
 */
export async function cloudCredentials(
  request: CloudRequest,
  signal: AbortSignal,
): Promise<CredentialSource> {
  const { provider, account, image, settings, clock, proxyFor, proxyKey } = request;
  if (account && !settings['feature-gates'].ObjectLevelWorkloadIdentity) {
    const text = `spec.serviceAccountName with provider '${provider}' needs the feature gate ObjectLevelWorkloadIdentity`;
    throw new AccessError(text, { part: 'gate' });
  }
  const identity = NOT_YET[provider];
  if (identity) {
    throw new AccessError(
      `provider '${provider}' needs ${identity}, which this release cannot get; use a secretRef with provider 'generic'`,
    );
  }
  if (provider !== 'aws') throw new AccessError(`provider '${provider}' not implemented`);
  return ecrCredentials({
    host: image.host,
    identity: account ? await readIdentity(request, signal) : undefined,
    proxyFor,
    proxyKey,
    reach: {
      private: settings['allow-private-addresses'],
      loopback: settings['allow-loopback-addresses'],
    },
    tokens: processCloudTokens(settings['token-cache-max-size'], settings['token-cache-max-duration']),
    use: request.cacheUse ?? noCacheUse(),
    api: async () => request.ecrApi ?? (await import('./ecr-api.ts')).awsEcrApi,
    clock,
  });
}

/** The role that the service account carries (IR-AWS-3). */
async function readIdentity(request: CloudRequest, signal: AbortSignal): Promise<ObjectIdentity> {
  const { account, namespace, reader, requestToken } = request;
  if (!requestToken) throw new AccessError('tokens of service accounts cannot be had here');
  const serviceAccount: ServiceAccountData = await reader.serviceAccount(account, signal);
  const where = `serviceaccount '${namespace}/${account}'`;
  const roleArn = serviceAccount.annotations[ROLE_ANNOTATION];
  if (!roleArn) throw new AccessError(`${where} has no annotation '${ROLE_ANNOTATION}'`);
  if (!ROLE_ARN.test(roleArn)) {
    throw new AccessError(`${where}: annotation '${ROLE_ANNOTATION}' is not the ARN of an IAM role`);
  }
  return {
    namespace,
    serviceAccount: account,
    roleArn,
    requestToken: (wanted, stop) => requestToken({ serviceAccount: account, ...wanted }, stop),
  };
}
