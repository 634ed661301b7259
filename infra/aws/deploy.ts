/**
 * `npm run deploy -- --stage S [--region R] [--cluster C] [--param NAME=VALUE]…`: checks what it was told, packages the
 * functions, deploys them, and writes what `helm install` needs. `npm run remove` takes them away again.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, relative } from 'node:path';
import { messageOf } from '../../shared/runtime/errors.ts';
import { listFunctions, PROJECT_FOLDER } from '../bundle/functions.ts';
import { type EksCluster, readAccount, readCluster, readOutputs } from './account.ts';
import { helmValues } from './helm-values.ts';
import { deploymentHelp } from './help.ts';
import { type Deployment, ParameterError, readDeployment } from './parameters.ts';

const FOLDER = join(PROJECT_FOLDER, '.longshore');

async function run(verb: 'deploy' | 'remove', flags: string[]): Promise<void> {
  if (flags.includes('--help') || flags.includes('-h')) {
    tell(deploymentHelp(verb).trimEnd());
    return;
  }
  const deployment = readDeployment(flags, process.env);
  await (verb === 'remove' ? remove : deploy)(deployment);
}

async function deploy(deployment: Deployment): Promise<void> {
  const { stage, region, parameters } = deployment;
  const account = await readAccount(region);
  const cluster = parameters.cluster ? await readCluster(parameters.cluster, region) : undefined;
  if (cluster) checkCluster(cluster, deployment);
  tell(`Deploying longshore-${stage} to account ${account}, ${region}.`);
  // Without the measurements of `npm run package`: a machine that is slow today may deploy.
  const { writeZip } = await import('../bundle/package.ts');
  await Promise.all(listFunctions().map(writeZip));
  runOsls(['deploy', ...oslsArgs(deployment)]);
  const outputs = await readOutputs(`longshore-${stage}`, region);
  const values = helmValues(deployment, outputs, cluster?.endpoint);
  mkdirSync(FOLDER, { recursive: true });
  const file = join(FOLDER, `values-${stage}.yaml`);
  writeFileSync(file, values);
  const shown = relative(process.cwd(), file);
  const namespace = parameters['relay-namespace'] || 'longshore-system';
  tell(`\n${values}\nWritten to ${shown}. Next:`);
  tell(`  helm install longshore infra/chart -n ${namespace} --create-namespace -f ${shown} \\`);
  tell('    --set image.repository=YOUR_REGISTRY/longshore-relay');
  if (!cluster) tell(`The relay's identity needs the policy ${outputs.RelayPolicyArn}.`);
}

/** @throws ParameterError for a cluster that would let nobody in */
function checkCluster({ letsRolesIn, isPublic }: EksCluster, { parameters }: Deployment): void {
  const name = parameters.cluster;
  if (!letsRolesIn) {
    throw new ParameterError([
      `--cluster: '${name}' does not know access entries: aws eks update-cluster-config --name ${name} --access-config authenticationMode=API_AND_CONFIG_MAP`,
    ]);
  }
  if (!isPublic && !parameters['subnet-ids']) {
    throw new ParameterError([
      `--cluster: the API server of '${name}' is private: functions reach it from its VPC alone, add --param subnet-ids=… --param security-group-ids=…`,
    ]);
  }
}

async function remove(deployment: Deployment): Promise<void> {
  const { stage, region } = deployment;
  await readAccount(region);
  const { StorageBucket } = await readOutputs(`longshore-${stage}`, region);
  runOsls(['remove', ...oslsArgs(deployment)]);
  tell(`Bucket ${StorageBucket} is kept: consumers may still download from it. When nobody does:`);
  tell(`  aws s3 rb s3://${StorageBucket} --force`);
}

function oslsArgs({ stage, region, parameters }: Deployment): string[] {
  const params = Object.entries(parameters).flatMap(([name, value]) => ['--param', `${name}=${value}`]);
  return ['--stage', stage, '--region', region, ...params];
}

/** @throws Error when it fails; it has said why itself */
function runOsls(args: string[]): void {
  const osls = createRequire(import.meta.url).resolve('serverless/bin/serverless.js');
  const { status } = spawnSync(process.execPath, [osls, ...args], { cwd: PROJECT_FOLDER, stdio: 'inherit' });
  if (status !== 0) throw new Error(`osls ${args[0]} failed`);
}

function tell(line: string): void {
  process.stdout.write(`${line}\n`);
}

const [command, ...args] = process.argv.slice(2);
try {
  await run(command === 'remove' ? 'remove' : 'deploy', args);
} catch (error) {
  const lines = error instanceof ParameterError ? error.message.split('\n') : [messageOf(error)];
  for (const line of lines) process.stderr.write(`${command}: ${line}\n`);
  process.exitCode = 1;
}
