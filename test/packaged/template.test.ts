/** What `serverless.yml` becomes: the CloudFormation template that osls writes without network and credentials. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { listFunctions, PROJECT_FOLDER } from '../../infra/bundle/functions.ts';
import { environmentName, SETTINGS, type SettingName } from '../../shared/runtime/settings.ts';

interface Statement {
  Action: string | string[];
  Resource: unknown;
  Condition?: unknown;
}

interface PolicyDocument {
  Statement: Statement[];
}

interface Resource {
  Type: string;
  Condition?: string;
  DeletionPolicy?: string;
  Properties: Record<string, unknown>;
}

interface Template {
  Conditions: Record<string, unknown>;
  Resources: Record<string, Resource>;
}

/** What stands at a path below a value. */
function at(value: unknown, ...path: (string | number)[]): unknown {
  return path.reduce<unknown>((inner, step) => (inner as Record<string, unknown>)?.[step], value);
}

const osls = createRequire(import.meta.url).resolve('serverless/bin/serverless.js');
let folder: string;
let template: Template;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'longshore-template-'));
  await cp(join(PROJECT_FOLDER, 'serverless.yml'), join(folder, 'serverless.yml'));
  await cp(join(PROJECT_FOLDER, 'infra', 'aws'), join(folder, 'infra', 'aws'), { recursive: true });
  for (const { artifact } of listFunctions(folder)) {
    await mkdir(dirname(artifact), { recursive: true });
    await writeFile(artifact, '');
  }
  template = await packageTemplate();
});

after(() => rm(folder, { recursive: true }));

/** The template with these parameters; the environment has no home, no profile and no key. */
async function packageTemplate(...parameters: string[]): Promise<Template> {
  const args = parameters.flatMap((parameter) => ['--param', parameter]);
  await promisify(execFile)(process.execPath, [osls, 'package', ...args], {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: folder },
  });
  const text = await readFile(join(folder, '.serverless/cloudformation-template-update-stack.json'), 'utf8');
  return JSON.parse(text) as Template;
}

function resourcesOf(type: string, { Resources }: Template = template): Resource[] {
  return Object.values(Resources).filter((resource) => resource.Type === type);
}

function lambdaOf(name: string): Resource['Properties'] {
  const found = resourcesOf('AWS::Lambda::Function').find(
    ({ Properties }) => Properties.FunctionName === `longshore-dev-${name}`,
  );
  assert.ok(found, `no function longshore-dev-${name}`);
  return found.Properties;
}

/** Every statement of a role: its own and those of policies that are attached under a condition. */
function statementsOf(roleName: string): (Statement & { under?: string })[] {
  const own = at(template.Resources[roleName], 'Properties', 'Policies') as {
    PolicyDocument: PolicyDocument;
  }[];
  const attached = resourcesOf('AWS::IAM::Policy').filter(({ Properties }) =>
    (Properties.Roles as { Ref: string }[]).some(({ Ref }) => Ref === roleName),
  );
  return [
    ...own.flatMap(({ PolicyDocument }) => PolicyDocument.Statement),
    ...attached.flatMap(({ Condition, Properties }) =>
      (Properties.PolicyDocument as PolicyDocument).Statement.map((statement) => ({
        ...statement,
        under: Condition,
      })),
    ),
  ];
}

test('every function runs on arm64 with Node 24, with a role and a log group of its own', () => {
  const roles = new Set<string>();
  for (const { name } of listFunctions()) {
    const properties = lambdaOf(name);
    assert.equal(properties.Runtime, 'nodejs24.x');
    assert.deepEqual(properties.Architectures, ['arm64']);
    assert.equal(properties.Handler, 'handler.handler');
    const role = at(properties.Role, 'Fn::GetAtt', 0) as string;
    assert.equal(template.Resources[role]!.Type, 'AWS::IAM::Role');
    roles.add(role);
    const logs = resourcesOf('AWS::Logs::LogGroup').find(
      ({ Properties }) => Properties.LogGroupName === `/aws/lambda/longshore-dev-${name}`,
    );
    assert.equal(logs?.Properties.RetentionInDays, 14);
  }
  assert.equal(roles.size, listFunctions().length);
  assert.equal(resourcesOf('AWS::IAM::Role').length, roles.size, 'a role that no function has');
});

const LOGS_AND_ECR = [
  'ecr-public:GetAuthorizationToken if EcrReadable',
  'ecr:BatchGetImage if EcrReadable',
  'ecr:DescribeRepositories if EcrReadable',
  'ecr:GetAuthorizationToken if EcrReadable',
  'ecr:GetDownloadUrlForLayer if EcrReadable',
  'ecr:ListImages if EcrReadable',
  'logs:CreateLogStream',
  'logs:PutLogEvents',
  'sts:GetServiceBearerToken if EcrReadable',
];

test('image-repository may touch its tag records and its logs, and ECR only under its parameter', () => {
  const ofStore = ['s3:DeleteObject', 's3:GetObject', 's3:ListBucket', 's3:PutObject'];
  checkRole('ImageRepositoryRole', 'tags', [...LOGS_AND_ECR, ...ofStore]);
});

test('image-policy may read what image-repository has written, and nothing more', () => {
  checkRole('ImagePolicyRole', 'tags', [...LOGS_AND_ECR, 's3:GetObject', 's3:ListBucket']);
});

test('oci-repository may touch its artifacts and its logs, and ECR only under its parameter', () => {
  const ofStore = ['s3:DeleteObject', 's3:GetObject', 's3:ListBucket', 's3:PutObject'];
  checkRole('OciRepositoryRole', 'artifacts', [...LOGS_AND_ECR, ...ofStore]);
});

/** A role that knows nothing of the bucket but one folder. */
function checkRole(role: string, folder: 'tags' | 'artifacts', expected: string[]): void {
  const inFolder = `\${Root}/${folder}/*`;
  const statements = statementsOf(role);
  const allowed = statements.flatMap(({ Action, under }) =>
    [Action].flat().map((action) => (under ? `${action} if ${under}` : action)),
  );
  assert.deepEqual(allowed.sort(), expected.sort());
  for (const { Action, Resource, Condition } of statements) {
    const actions = [Action].flat();
    if (actions.includes('s3:ListBucket')) assert.ok(JSON.stringify(Condition).includes(inFolder));
    else if (actions.some((action) => action.startsWith('s3:'))) {
      assert.ok(JSON.stringify(Resource).includes(`"\${Store.Arn}/${inFolder}"`));
    }
    if (Resource === '*') {
      assert.ok(
        actions.every((action) => /:Get(Authorization|ServiceBearer)Token$/.test(action)),
        `${actions} on every resource`,
      );
    }
  }
}

test('the conditions follow the parameters', async () => {
  assert.deepEqual(template.Conditions, {
    StoragePrefixed: { 'Fn::Not': [{ 'Fn::Equals': ['', ''] }] },
    EcrReadable: { 'Fn::Not': [{ 'Fn::Equals': ['', ''] }] },
  });
  const repositories = 'arn:aws:ecr:eu-west-1:123456789012:repository/team/*';
  const changed = await packageTemplate(
    `ecr-repositories=${repositories}`,
    'storage-prefix=team-a',
    'cluster-id=blue',
  );
  assert.deepEqual(changed.Conditions, {
    StoragePrefixed: { 'Fn::Not': [{ 'Fn::Equals': ['team-a', ''] }] },
    EcrReadable: { 'Fn::Not': [{ 'Fn::Equals': [repositories, ''] }] },
  });
  const role = JSON.stringify(changed.Resources.ImageRepositoryRole);
  assert.match(role, /"Fn::If":\["StoragePrefixed","team-a\/blue","blue"\]/);
});

test('the bucket is private, encrypted, reached by TLS only, and outlives the stack', () => {
  const { Store, StorePolicy } = template.Resources;
  assert.equal(Store!.DeletionPolicy, 'Retain');
  assert.deepEqual(Store!.Properties.PublicAccessBlockConfiguration, {
    BlockPublicAcls: true,
    BlockPublicPolicy: true,
    IgnorePublicAcls: true,
    RestrictPublicBuckets: true,
  });
  assert.match(JSON.stringify(Store!.Properties.BucketEncryption), /AES256/);
  assert.deepEqual(at(StorePolicy, 'Properties', 'PolicyDocument', 'Statement'), [
    {
      Sid: 'TlsOnly',
      Effect: 'Deny',
      Principal: '*',
      Action: 's3:*',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the placeholder is CloudFormation's
      Resource: [{ 'Fn::GetAtt': ['Store', 'Arn'] }, { 'Fn::Sub': '${Store.Arn}/*' }],
      Condition: { Bool: { 'aws:SecureTransport': 'false' } },
    },
  ]);
});

test('the environment is the table of settings, with its defaults', () => {
  const variables = listFunctions().map(
    ({ name }) => at(lambdaOf(name), 'Environment', 'Variables') as Record<string, unknown>,
  );
  // A setting that two functions read has one value: it is one parameter.
  const { STORAGE_BUCKET, ...others } = Object.assign({}, ...variables) as Record<string, unknown>;
  for (const each of variables) {
    for (const [name, value] of Object.entries(each))
      if (name in others) assert.equal(value, others[name], name);
  }
  assert.deepEqual(STORAGE_BUCKET, { Ref: 'Store' });
  /** What an account decides by itself, and what must not be on in a deployed function (decisions 10). */
  const left = new Set<SettingName>(['storage-bucket', 'storage-endpoint', 'allow-loopback-addresses']);
  const expected = (Object.keys(SETTINGS) as SettingName[])
    .filter((name) => (SETTINGS[name].users as readonly string[]).includes('functions') && !left.has(name))
    .map((name) => [environmentName(name), SETTINGS[name].default]);
  assert.deepEqual(others, Object.fromEntries(expected));
});
