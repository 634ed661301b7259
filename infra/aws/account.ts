/** What `npm run deploy` asks the account: who we are, what an EKS cluster is like, what a stack has given. */
import { Sha256 } from '../../shared/kube/eks-access.ts';
import { messageOf } from '../../shared/runtime/errors.ts';

/** What decides how functions reach a cluster. */
export interface EksCluster {
  endpoint: string;
  /** Access entries count, not the aws-auth map alone. */
  letsRolesIn: boolean;
  /** Its API server can be reached from outside of its VPC. */
  isPublic: boolean;
}

/**
 * The account that the credentials of this machine are for.
 * @throws Error of one line when there are none, or they are refused
 */
export async function readAccount(region: string): Promise<string> {
  const { GetCallerIdentityCommand, STSClient } = await import('@aws-sdk/client-sts');
  try {
    const { Account } = await new STSClient({ region }).send(new GetCallerIdentityCommand({}));
    return Account!;
  } catch (error) {
    throw new Error(`no usable AWS credentials: ${messageOf(error)}`, { cause: error });
  }
}

/** @throws Error of one line when the cluster is not there or may not be read */
export async function readCluster(name: string, region: string): Promise<EksCluster> {
  const { STSClient } = await import('@aws-sdk/client-sts');
  const { SignatureV4 } = await import('@smithy/signature-v4');
  // No client of the SDK is installed for one request.
  const { AWS_ENDPOINT_URL_EKS, AWS_ENDPOINT_URL } = process.env;
  const url = new URL(
    `/clusters/${name}`,
    AWS_ENDPOINT_URL_EKS ||
      AWS_ENDPOINT_URL ||
      `https://eks.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`,
  );
  const { credentials } = new STSClient({ region }).config;
  const signer = new SignatureV4({ credentials, region, service: 'eks', sha256: Sha256 });
  const { headers } = await signer.sign({
    method: 'GET',
    protocol: url.protocol,
    hostname: url.hostname,
    path: url.pathname,
    query: {},
    headers: { host: url.host },
  });
  const response = await fetch(url, { headers }).catch((error: unknown) => {
    throw new Error(`EKS cannot be asked for cluster '${name}': ${messageOf(error)}`, { cause: error });
  });
  const body = (await response.json().catch(() => ({}))) as { message?: string; cluster?: Described };
  if (!response.ok || !body.cluster?.endpoint) {
    throw new Error(
      `--cluster: EKS does not tell of '${name}' in ${region}: ${body.message ?? response.status}`,
    );
  }
  const { endpoint, accessConfig, resourcesVpcConfig } = body.cluster;
  return {
    endpoint,
    letsRolesIn: accessConfig?.authenticationMode !== 'CONFIG_MAP',
    isPublic: resourcesVpcConfig?.endpointPublicAccess !== false,
  };
}

interface Described {
  endpoint?: string;
  accessConfig?: { authenticationMode?: string };
  resourcesVpcConfig?: { endpointPublicAccess?: boolean };
}

/** Outputs of a stack, by name. @throws Error of the SDK when it is not there */
export async function readOutputs(stack: string, region: string): Promise<Readonly<Record<string, string>>> {
  const { CloudFormationClient, DescribeStacksCommand } = await import('@aws-sdk/client-cloudformation');
  const client = new CloudFormationClient({ region });
  const { Stacks } = await client.send(new DescribeStacksCommand({ StackName: stack }));
  const outputs = Stacks?.[0]?.Outputs ?? [];
  return Object.fromEntries(outputs.map(({ OutputKey, OutputValue }) => [OutputKey!, OutputValue!]));
}
