/** The calls of AWS that a login to ECR needs. Loaded when the first login is made. */
import type http from 'node:http';
import type { EcrHost } from './ecr-host.ts';

/** Credentials of a role. */
export interface AwsCredentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken: string | undefined;
}

export interface EcrToken {
  /** Base64 of `AWS:<password>`. */
  token: string;
  /** Milliseconds since 1970. */
  expiresAt: number;
}

export interface AwsCall {
  host: EcrHost;
  /** Connections run through it where the object has a proxy. */
  agent: http.Agent | undefined;
}

/** What we ask of AWS; tests have their own. Failures are thrown as the SDK throws them. */
export interface EcrApi {
  /** @param credentials undefined: those of the function's own role */
  authorizationToken(
    call: AwsCall,
    credentials: AwsCredentials | undefined,
    signal: AbortSignal,
  ): Promise<EcrToken>;
  assumeRole(
    call: AwsCall,
    request: { roleArn: string; sessionName: string; webIdentityToken: string },
    signal: AbortSignal,
  ): Promise<AwsCredentials>;
}

/** The real API, through the AWS SDK. */
export const awsEcrApi: EcrApi = {
  async authorizationToken(call, credentials, signal) {
    const config = { ...clientConfig(call), ...(credentials && { credentials }) };
    const data =
      call.host.kind === 'public' ? await publicToken(config, signal) : await privateToken(config, signal);
    if (!data?.authorizationToken) throw new Error('ECR answered without a token');
    const expiresAt = data.expiresAt?.getTime() ?? Date.now() + ECR_TOKEN_LIFE_MS;
    return { token: data.authorizationToken, expiresAt };
  },

  async assumeRole(call, { roleArn, sessionName, webIdentityToken }, signal) {
    const { AssumeRoleWithWebIdentityCommand, STSClient } = await import('@aws-sdk/client-sts');
    const client = new STSClient({ ...clientConfig(call), useDualstackEndpoint: false });
    try {
      const input = { RoleArn: roleArn, RoleSessionName: sessionName, WebIdentityToken: webIdentityToken };
      const { Credentials } = await client.send(new AssumeRoleWithWebIdentityCommand(input), {
        abortSignal: signal,
      });
      const { AccessKeyId, SecretAccessKey, SessionToken } = Credentials ?? {};
      if (!AccessKeyId || !SecretAccessKey) throw new Error('STS answered without credentials');
      return { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken };
    } finally {
      client.destroy();
    }
  },
};

const ECR_TOKEN_LIFE_MS = 12 * 3_600_000;

type ClientConfig = ReturnType<typeof clientConfig> & { credentials?: AwsCredentials };

function clientConfig({ host, agent }: AwsCall) {
  return {
    region: host.region,
    useFipsEndpoint: host.fips,
    useDualstackEndpoint: host.dualStack,
    ...(agent && { requestHandler: { httpAgent: agent, httpsAgent: agent } }),
  };
}

async function privateToken(config: ClientConfig, signal: AbortSignal) {
  const { ECRClient, GetAuthorizationTokenCommand } = await import('@aws-sdk/client-ecr');
  const client = new ECRClient(config as object);
  try {
    const answer = await client.send(new GetAuthorizationTokenCommand({}), { abortSignal: signal });
    return answer.authorizationData?.[0];
  } finally {
    client.destroy();
  }
}

async function publicToken(config: ClientConfig, signal: AbortSignal) {
  const { ECRPUBLICClient, GetAuthorizationTokenCommand } = await import('@aws-sdk/client-ecr-public');
  const client = new ECRPUBLICClient(config as object);
  try {
    const answer = await client.send(new GetAuthorizationTokenCommand({}), { abortSignal: signal });
    return answer.authorizationData;
  } finally {
    client.destroy();
  }
}
