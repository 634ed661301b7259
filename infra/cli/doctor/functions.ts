/** Do the functions answer, are they of this release, do they reach the cluster, and may they use the bucket? */

import { type Check, CheckResult, type Found } from '../../../shared/runtime/check-contract.ts';
import { type ClusterAccess, CONTRACT_VERSION } from '../../../shared/runtime/contract.ts';
import { messageOf } from '../../../shared/runtime/errors.ts';
import { redact } from '../../../shared/runtime/redact.ts';
import { RELEASE } from '../../../shared/runtime/release.ts';
import { releaseProblem } from '../../../shared/runtime/release-skew.ts';
import { type AccessOf, createClusterAccess } from '../../relay/cluster-access.ts';
import { createLambdaTarget, type LambdaTarget } from '../../relay/dispatch-lambda.ts';
import { DispatchError } from '../../relay/dispatch-target.ts';
import { type Finding, failed, ok, skipped, warning } from './finding.ts';
import type { Installation } from './installation.ts';
import { isForbidden, type Visit } from './visit.ts';

/** A cold start, and two looks of ten seconds beside each other. */
const ANSWER_MS = 30_000;

export async function checkFunctions(visit: Visit, signal: AbortSignal): Promise<Finding[]> {
  const { installation, kube, endpoint, clock } = visit;
  if (!installation) return [skipped('functions', 'the flags of an installed relay say where they are')];
  const { settings, namespace, functions, region } = installation;
  const target = createLambdaTarget({
    prefix: settings['lambda-function-prefix'],
    endpoint: settings['lambda-endpoint'],
    maxSockets: functions.length,
    ...(region && { region }),
  });
  // The relay's own CA file is in its pod: here the authority of the kubeconfig has to do.
  const caFile = settings['functions-api-ca-file'] === 'system' ? 'system' : '';
  const reachable = { ...settings, 'functions-api-ca-file': caFile };
  const accessOf = createClusterAccess({ kube, endpoint, namespace, settings: reachable, clock }, signal);
  const found = await Promise.all(functions.map((name) => ask(name, target, accessOf, installation, signal)));
  return found.flat();
}

async function ask(
  name: string,
  target: LambdaTarget,
  accessOf: AccessOf,
  installation: Installation,
  signal: AbortSignal,
): Promise<Finding[]> {
  const { settings } = installation;
  const access = await accessFor(name, accessOf);
  const check: Check = {
    contract: CONTRACT_VERSION,
    release: RELEASE,
    check: true,
    cluster: settings['cluster-id'],
    ...(access.granted && { access: access.granted }),
  };
  const late = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]);
  let answer: CheckResult;
  try {
    answer = CheckResult.parse(await target.send(name, check, late));
  } catch (error) {
    signal.throwIfAborted();
    return [unanswered(name, error)];
  }
  const problem = releaseProblem(answer.release, `function ${name}`);
  const first = problem
    ? failed(
        'functions',
        problem,
        'upgrade the older side: npm run deploy for functions, helm upgrade for the relay',
      )
    : ok('functions', `${name}: release ${answer.release}`);
  return [
    first,
    ...(access.problem ? [access.problem] : []),
    ...answer.found.map((found) => judge(name, found, installation)),
  ];
}

/** Without a right to mint tokens the functions are asked all the same, but for the cluster. */
async function accessFor(
  name: string,
  accessOf: AccessOf,
): Promise<{ granted?: ClusterAccess; problem?: Finding }> {
  try {
    return { granted: await accessOf(name) };
  } catch (error) {
    const text = `${name}: whether it reaches the cluster was not tried: ${redact(messageOf(error))}`;
    if (isForbidden(error)) {
      return {
        problem: skipped('functions', text, 'ask as somebody who may create tokens of its ServiceAccount'),
      };
    }
    return { problem: failed('functions', text, 'the relay cannot mint its token either: see rights') };
  }
}

function judge(
  name: string,
  { about, ok: isFine, text }: Found,
  { settings, namespace }: Installation,
): Finding {
  const line = `${name}: ${text}`;
  if (about === 'store') {
    return isFine
      ? ok('bucket', line)
      : failed('bucket', line, bucketAdvice(text, settings['storage-bucket']));
  }
  if (!isFine)
    return failed('functions', `${name} does not reach the cluster: ${text}`, clusterAdvice(text, settings));
  const expected = `system:serviceaccount:${namespace}:${settings['functions-service-account-prefix']}${name}`;
  if (settings['eks-cluster'] !== '' || text.endsWith(` ${expected}`)) return ok('functions', line);
  return warning(
    'functions',
    `${line}, not as ${expected}`,
    'is cluster.apiServer the address of this cluster?',
  );
}

function clusterAdvice(text: string, settings: Installation['settings']): string {
  const eks = settings['eks-cluster'];
  if (/unauthorized|401|provide credentials/i.test(text)) {
    return eks
      ? `deploy with --cluster ${eks}, so that its role has an access entry; is ${eks} the name of this cluster?`
      : 'cluster.apiServer must be the address of this very cluster: its tokens are good for no other';
  }
  if (/certificate|self-signed|altname/i.test(text)) {
    return 'settings.functions-api-ca-file names the authority of cluster.apiServer, or system for a public one';
  }
  return `the functions must reach ${settings['functions-api-server'] || 'the API server'}: a private address needs subnet-ids and security-group-ids (docs/install.md)`;
}

/** What a refusal of S3 means for the person at the terminal. */
export function bucketAdvice(text: string, bucket: string): string {
  if (/NoSuchBucket|does not exist/i.test(text)) {
    return `is there a bucket '${bucket}' in this account and region? It is output StorageBucket of the deployment`;
  }
  if (/AccessDenied|Forbidden|403/i.test(text)) {
    return 'cluster-id and storage-prefix of the functions must be those of the relay: their roles end there';
  }
  return 'the functions must reach S3: in a VPC by a gateway endpoint or a NAT gateway';
}

/** By the name that AWS gives its refusals. */
const REFUSALS: Readonly<Record<string, string>> = {
  ResourceNotFoundException:
    'functions.prefix and the region must be those of npm run deploy: its outputs tell both',
  AccessDeniedException:
    'your credentials may not invoke it (lambda:InvokeFunction); the relay needs the same right',
  CredentialsProviderError: 'this shell has no AWS credentials: AWS_PROFILE, aws sso login',
  ExpiredTokenException: 'your AWS credentials have expired: log in again',
  UnrecognizedClientException: 'AWS does not know these credentials: are they of the right account?',
  InvalidSignatureException: 'the clock of this machine is wrong, or the secret key',
  TimeoutError: 'is the address right, and may this machine reach it?',
};

function unanswered(name: string, error: unknown): Finding {
  const text = redact(messageOf(error));
  if (!(error instanceof DispatchError))
    return failed(
      'functions',
      `${name} answered something else: ${text}`,
      'npm run deploy brings it up to date',
    );
  if (error.kind === 'throttled')
    return warning(
      'functions',
      text,
      'the account has no room now: lower --concurrent, or raise its concurrency',
    );
  if (error.kind === 'failed') {
    const advice = text.includes('does not follow contract')
      ? 'it is of an older release: npm run deploy'
      : 'its log in CloudWatch tells more; a setting that is missing is a parameter of npm run deploy';
    return failed('functions', text, advice);
  }
  const code = (error.cause as Error | undefined)?.name ?? '';
  return failed(
    'functions',
    text,
    REFUSALS[code] ?? 'is the region right, and may this machine reach the Lambda API?',
  );
}
