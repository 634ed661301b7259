/** `npm run deploy` and `npm run remove` against an account: moto stands for AWS. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { LambdaClient, ListFunctionsCommand } from '@aws-sdk/client-lambda';
import { HeadBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { parse } from 'yaml';
import { listFunctions, PROJECT_FOLDER } from '../../infra/bundle/functions.ts';
import { merge, REQUIRED, render } from '../chart/helm.ts';
import { type MotoAccount, startMoto } from '../parts/moto.ts';
import { needs, part } from '../parts/parts.ts';
import { takeTurn } from '../parts/turn.ts';

const REGION = 'eu-central-1';
const STAGE = 'moto';
const VALUES = join(PROJECT_FOLDER, '.longshore', `values-${STAGE}.yaml`);

describe('npm run deploy', { ...needs('moto_server'), timeout: 240_000 }, () => {
  let account: MotoAccount;
  const clients = () => ({
    region: REGION,
    endpoint: account.url,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });

  let endTurn: () => Promise<void>;

  before(async () => {
    endTurn = await takeTurn('deploy');
    account = await startMoto();
  });
  after(async () => {
    await account?.stop();
    await endTurn();
    await rm(VALUES, { force: true });
  });

  const run = (command: string, args: string[], environment: Record<string, string> = account.environment) =>
    promisify(execFile)(
      process.execPath,
      [join(PROJECT_FOLDER, 'infra/aws/deploy.ts'), command, '--stage', STAGE, '--region', REGION, ...args],
      { env: { PATH: process.env.PATH, HOME: '/nowhere', ...environment } },
    );
  const refused = async (args: string[], problem: RegExp, environment?: Record<string, string>) => {
    await assert.rejects(run('deploy', args, environment), (error: { stderr?: string }) => {
      assert.match(error.stderr ?? '', problem);
      assert.doesNotMatch(error.stderr ?? '', /\n\s+at /, 'a stack is of no use to anybody');
      return true;
    });
    assert.equal(await stackStatus(), undefined, 'something was created');
  };
  const stackStatus = async () => {
    const described = new CloudFormationClient(clients()).send(
      new DescribeStacksCommand({ StackName: `longshore-${STAGE}` }),
    );
    return described.then(({ Stacks }) => Stacks?.[0]?.StackStatus).catch(() => undefined);
  };

  test('no credentials, a cluster that is not there: one line, and nothing is created', async () => {
    const { AWS_ENDPOINT_URL } = account.environment as { AWS_ENDPOINT_URL: string };
    await refused([], /^deploy: no usable AWS credentials: .*\n$/, { AWS_ENDPOINT_URL });
    await refused(
      ['--cluster', 'nobody'],
      /^deploy: --cluster: EKS does not tell of 'nobody' in eu-central-1: .*\n$/,
    );
  });

  test('the functions are there, and what it wrote installs the chart', async () => {
    const { stdout } = await run('deploy', [
      '--param',
      'cluster-id=blue',
      '--param',
      'storage-prefix=team-a',
    ]);
    const { Functions } = await new LambdaClient(clients()).send(new ListFunctionsCommand({}));
    assert.deepEqual(
      Functions?.map(({ FunctionName }) => FunctionName).sort(),
      listFunctions()
        .map(({ name }) => `longshore-${STAGE}-${name}`)
        .sort(),
    );
    assert.match(
      stdout,
      /helm install longshore infra\/chart -n longshore-system .* -f \S*values-moto\.yaml/,
    );
    assert.match(stdout, /The relay's identity needs the policy arn:aws:iam::\d+:policy\//);
    const values = parse(await readFile(VALUES, 'utf8')) as typeof REQUIRED;
    const s3 = new S3Client({ ...clients(), forcePathStyle: true });
    await s3.send(new HeadBucketCommand({ Bucket: values.storage.bucket }));
    if (part('helm')) {
      const { cluster } = REQUIRED;
      await render(merge(values, { cluster }));
    }
    assert.deepEqual(
      { ...values, storage: { ...values.storage, bucket: '' } },
      {
        cluster: { id: 'blue' },
        functions: { prefix: `longshore-${STAGE}-`, region: REGION },
        storage: { bucket: '', prefix: 'team-a' },
        artifacts: { baseUrl: 'http://source-controller.longshore-system.svc.cluster.local.' },
      },
    );
  });

  test('npm run remove takes the stack away and says what is kept', async () => {
    const { stdout } = await run('remove', []);
    assert.match(stdout, /Bucket \S+ is kept: .*\n {2}aws s3 rb s3:\/\/\S+ --force/);
    assert.notEqual(await stackStatus(), 'UPDATE_COMPLETE');
  });
});
