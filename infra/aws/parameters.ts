/**
 * The command line of `npm run deploy`, checked before anything is created: stage, region, cluster and the parameters
 * that `serverless.yml` lists under `params.default`.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import util from 'node:util';
import { isMap, isPair, isScalar, parseDocument } from 'yaml';
import { messageOf } from '../../shared/runtime/errors.ts';
import { readSettings, SETTINGS, SettingsError } from '../../shared/runtime/settings.ts';
import { PROJECT_FOLDER } from '../bundle/functions.ts';

/** One deployment of the functions. */
export interface Deployment {
  stage: string;
  region: string;
  /** Values that differ from the defaults of `serverless.yml`. */
  parameters: Readonly<Record<string, string>>;
}

/** A command line that cannot be meant: one line for every problem. */
export class ParameterError extends Error {
  constructor(problems: string[]) {
    super(problems.join('\n'));
    this.name = 'ParameterError';
  }
}

const STAGE = /^[a-z][a-z0-9-]{0,19}$/;
const REGION = /^[a-z]{2,4}(-[a-z]+)+-\d$/;
const DNS_NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** What a parameter must look like, where it is no setting of the functions. Empty means: not set, where that is the default. */
const FORMS: Readonly<Record<string, [form: RegExp, expected: string]>> = {
  'cluster-id': [/^[a-z0-9]([a-z0-9.-]{0,62}[a-z0-9])?$/, 'lower-case letters, digits, dots, dashes'],
  cluster: [/^[0-9A-Za-z][A-Za-z0-9_-]{0,99}$/, 'the name of an EKS cluster'],
  'relay-namespace': [DNS_NAME, 'the name of a namespace'],
  'relay-service-account': [/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/, 'the name of a ServiceAccount'],
  'subnet-ids': [/^subnet-\w+(,subnet-\w+)*$/, 'subnet-…, separated by commas'],
  'security-group-ids': [/^sg-\w+(,sg-\w+)*$/, 'sg-…, separated by commas'],
  'ecr-repositories': [
    /^arn:aws[\w-]*:ecr:[^:]*:[^:]*:repository\/.+$/,
    'arn:aws:ecr:REGION:ACCOUNT:repository/PATTERN',
  ],
  'alarm-topic': [/^arn:aws[\w-]*:sns:[^:]+:\d+:[^:]+$/, 'the ARN of an SNS topic'],
  alarms: [/^(true|false)$/, 'true or false'],
  'reserve-concurrency': [/^(true|false)$/, 'true or false'],
  'log-retention-days': [
    /^(1|3|5|7|14|30|60|90|120|150|180|365|400|545|731|1096|1827|2192|2557|2922|3288|3653)$/,
    'a number of days that CloudWatch has, such as 14 or 30',
  ],
};

/** A parameter of `serverless.yml`. */
export interface Parameter {
  name: string;
  /** Its default; may refer to other parameters. */
  fallback: string;
  /** What the file says behind it. */
  comment: string | undefined;
}

/** The parameters that exist, in the order of the file. */
export function readParameters(): Parameter[] {
  const text = readFileSync(join(PROJECT_FOLDER, 'serverless.yml'), 'utf8');
  const defaults = parseDocument(text, { logLevel: 'error' }).getIn(['params', 'default']);
  if (!isMap(defaults)) throw new Error('serverless.yml: params.default is missing');
  return defaults.items.filter(isPair).map(({ key, value }) => ({
    name: String(key),
    fallback: isScalar(value) ? String(value.value) : '',
    comment: isScalar(value) ? value.comment?.trim() : undefined,
  }));
}

/** The parameters that exist, with their defaults. */
export function knownParameters(): Readonly<Record<string, string>> {
  return Object.fromEntries(readParameters().map(({ name, fallback }) => [name, fallback]));
}

/**
 * Reads `--stage S [--region R] [--cluster C] [--param NAME=VALUE]…`.
 * @throws ParameterError with a line for every problem
 */
export function readDeployment(args: string[], environment: Record<string, string | undefined>): Deployment {
  const problems: string[] = [];
  const { values } = parseFlags(args);
  const stage = values.stage ?? '';
  const region = values.region ?? environment.AWS_REGION ?? environment.AWS_DEFAULT_REGION ?? '';
  if (!STAGE.test(stage)) {
    problems.push(`--stage: expected lower-case letters, digits and dashes, such as prod (got '${stage}')`);
  }
  if (!REGION.test(region)) {
    problems.push(`--region: expected a region such as eu-central-1, or set AWS_REGION (got '${region}')`);
  }
  const parameters: Record<string, string> = {};
  for (const text of values.param ?? []) {
    const at = text.indexOf('=');
    if (at > 0) parameters[text.slice(0, at)] = text.slice(at + 1);
    else problems.push(`--param: expected NAME=VALUE (got '${text}')`);
  }
  if (values.cluster !== undefined) parameters.cluster = values.cluster;
  problems.push(...problemsOf(parameters));
  if (problems.length > 0) throw new ParameterError(problems);
  return { stage, region, parameters };
}

function parseFlags(args: string[]) {
  try {
    return util.parseArgs({
      args,
      options: {
        stage: { type: 'string' },
        region: { type: 'string' },
        cluster: { type: 'string' },
        param: { type: 'string', multiple: true },
      },
      allowPositionals: false,
    });
  } catch (error) {
    // Without its advice about other flags.
    throw new ParameterError([messageOf(error).split('. ')[0]!]);
  }
}

function problemsOf(parameters: Readonly<Record<string, string>>): string[] {
  const known = knownParameters();
  const problems: string[] = [];
  for (const [name, value] of Object.entries(parameters)) {
    const form = FORMS[name];
    if (!(name in known)) {
      problems.push(
        `--param ${name}: there is no such parameter; there are ${Object.keys(known).join(', ')}`,
      );
    } else if (value === '' && known[name] !== '') {
      problems.push(`--param ${name}: expected a value; leave it out to have its default`);
    } else if (form && value !== '' && !form[0].test(value)) {
      problems.push(`--param ${name}: expected ${form[1]} (got '${value}')`);
    }
  }
  if (Boolean(parameters['subnet-ids']) !== Boolean(parameters['security-group-ids'])) {
    problems.push('--param subnet-ids and security-group-ids: a VPC needs both');
  }
  return [...problems, ...settingProblems(parameters)];
}

/** The functions read these at every cold start, and would refuse them only then. */
function settingProblems(parameters: Readonly<Record<string, string>>): string[] {
  const flags = Object.entries(parameters)
    .filter(([name, value]) => name in SETTINGS && !(name in FORMS) && value !== '')
    .map(([name, value]) => `--${name}=${value}`);
  try {
    readSettings('functions', flags, {});
    return [];
  } catch (error) {
    if (error instanceof SettingsError)
      return error.message.split('\n').map((line) => line.replace(/^--/, '--param '));
    throw error;
  }
}
