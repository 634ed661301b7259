/** The outputs of a deployment as values of the chart: `helm install -f` takes them as they are. */
import { stringify } from 'yaml';
import type { Deployment } from './parameters.ts';

/** What the relay must know of the account, and the address of the cluster where it is known. */
export function helmValues(
  { stage, parameters }: Deployment,
  outputs: Readonly<Record<string, string>>,
  apiServer: string | undefined,
): string {
  const serviceAccount = parameters['relay-service-account'];
  // Relay and functions count with the same.
  const jitter = parameters['interval-jitter-percentage'];
  const values = {
    cluster: {
      id: outputs.ClusterId,
      ...(apiServer && { apiServer }),
      ...(parameters.cluster && { eksName: parameters.cluster }),
    },
    functions: {
      prefix: outputs.LambdaFunctionPrefix,
      region: outputs.Region,
      ...(/ObjectLevelWorkloadIdentity=true/.test(parameters['feature-gates'] ?? '') && {
        objectLevelWorkloadIdentity: true,
      }),
    },
    storage: {
      bucket: outputs.StorageBucket,
      ...(parameters['storage-prefix'] && { prefix: parameters['storage-prefix'] }),
    },
    artifacts: { baseUrl: outputs.ArtifactBaseUrl },
    ...(serviceAccount && { serviceAccount: { name: serviceAccount } }),
    ...(jitter && { settings: { 'interval-jitter-percentage': Number(jitter) } }),
  };
  const missing = apiServer
    ? ''
    : '# Still to add, as the functions reach it: cluster.apiServer: https://HOST:PORT\n';
  return `# Written by npm run deploy for stage ${stage}. image.repository is yours to add (docs/install.md).\n${missing}${stringify(values)}`;
}
