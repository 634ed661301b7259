import assert from 'node:assert/strict';
import { test } from 'node:test';
import { helmValues } from './helm-values.ts';
import { deploymentHelp } from './help.ts';
import { knownParameters, ParameterError, readDeployment } from './parameters.ts';

const STAGE = ['--stage', 'prod', '--region', 'eu-central-1'];

test('stage, region, cluster and parameters', () => {
  const args = [
    '--stage=prod',
    '--cluster=main',
    '--param=log-level=debug',
    '--param',
    'feature-gates=A=true',
  ];
  assert.deepEqual(readDeployment(args, { AWS_REGION: 'eu-west-1' }), {
    stage: 'prod',
    region: 'eu-west-1',
    parameters: { 'log-level': 'debug', 'feature-gates': 'A=true', cluster: 'main' },
  });
});

test('the defaults of serverless.yml are values that would be taken', () => {
  const parameters = Object.entries(knownParameters()).filter(([, value]) => !value.includes('$'));
  const args = parameters.map(([name, value]) => `--param=${name}=${value}`);
  assert.equal(Object.keys(readDeployment([...STAGE, ...args], {}).parameters).length, parameters.length);
});

test('the help tells what every parameter means', () => {
  const help = deploymentHelp('deploy');
  for (const name of Object.keys(knownParameters())) {
    assert.match(help, new RegExp(`^  ${name}\\n        \\S[^\\n]{15}`, 'm'), name);
  }
  assert.match(help, /^ {8}A scan that finds more tags fails. Default: 1000000\.$/m);
  assert.match(deploymentHelp('remove'), /^Usage: npm run remove -- --stage STAGE/);
});

const REFUSED: [what: string, args: string[], problem: RegExp][] = [
  ['no stage', ['--region=eu-central-1'], /^--stage: expected .* \(got ''\)$/],
  ['a stage in capitals', ['--stage=Prod', '--region=eu-central-1'], /^--stage: .* \(got 'Prod'\)$/],
  ['no region', ['--stage=prod'], /^--region: expected a region .* or set AWS_REGION \(got ''\)$/],
  ['a flag that does not exist', [...STAGE, '--colour=red'], /--colour/],
  ['a word', [...STAGE, 'please'], /please/],
  [
    'a parameter that does not exist',
    [...STAGE, '--param=colour=red'],
    /^--param colour: there is no such parameter; there are .*cluster-id/,
  ],
  [
    'a parameter without a value',
    [...STAGE, '--param=alarms'],
    /^--param: expected NAME=VALUE \(got 'alarms'\)$/,
  ],
  [
    'a setting that functions would refuse',
    [...STAGE, '--param=max-tags=0'],
    /^--param max-tags: at least 1 \(got '0'\)$/,
  ],
  [
    'a parameter that has a default, and no value',
    [...STAGE, '--param=cluster-id='],
    /^--param cluster-id: expected a value; leave it out to have its default$/,
  ],
  ['a setting without a value', [...STAGE, '--param=max-tags='], /^--param max-tags: expected a value;.*$/],
  [
    'half of a VPC',
    [...STAGE, '--param=subnet-ids=subnet-1'],
    /subnet-ids and security-group-ids: a VPC needs both/,
  ],
  [
    'a topic that is none',
    [...STAGE, '--param=alarm-topic=me'],
    /^--param alarm-topic: expected the ARN of an SNS topic/,
  ],
  [
    'a retention that CloudWatch does not have',
    [...STAGE, '--param=log-retention-days=15'],
    /^--param log-retention-days: /,
  ],
  [
    'an EKS cluster by its ARN',
    [...STAGE, '--cluster=arn:aws:eks:x'],
    /^--param cluster: expected the name of an EKS cluster/,
  ],
];

for (const [what, args, problem] of REFUSED) {
  test(`refused: ${what}`, () => {
    assert.throws(
      () => readDeployment(args, {}),
      (error: Error) => error instanceof ParameterError && problem.test(error.message),
    );
  });
}

test('every problem is told at once', () => {
  const args = ['--stage=X', '--param=a=1', '--param=alarms=yes'];
  assert.throws(() => readDeployment(args, {}), {
    message: /^--stage.*\n--region.*\n--param a:.*\n--param alarms:.*$/,
  });
});

test('the values of the chart: what the stack says, and what the operator said', () => {
  const outputs = {
    StorageBucket: 'bucket',
    LambdaFunctionPrefix: 'longshore-prod-',
    Region: 'eu-central-1',
    ClusterId: 'blue',
    ArtifactBaseUrl: 'http://x',
  };
  const deployment = readDeployment(
    [
      ...STAGE,
      '--cluster=main',
      '--param=feature-gates=ObjectLevelWorkloadIdentity=true',
      '--param=interval-jitter-percentage=5',
    ],
    {},
  );
  const text = helmValues(deployment, outputs, 'https://main.eks');
  assert.equal(
    text,
    `# Written by npm run deploy for stage prod. image.repository is yours to add (docs/install.md).
cluster:
  id: blue
  apiServer: https://main.eks
  eksName: main
functions:
  prefix: longshore-prod-
  region: eu-central-1
  objectLevelWorkloadIdentity: true
storage:
  bucket: bucket
artifacts:
  baseUrl: http://x
settings:
  interval-jitter-percentage: 5
`,
  );
  assert.match(helmValues(deployment, outputs, undefined), /^# Still to add.*cluster\.apiServer/m);
});
