/** What the functions are and may do in the account, and the bucket. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listFunctions } from '../../infra/bundle/functions.ts';
import { environmentName, SETTINGS, type SettingName } from '../../shared/runtime/settings.ts';
import { at, type PolicyDocument, type Statement, useTemplate } from './template.ts';

const stage = useTemplate();
const { resourcesOf, lambdaOf } = stage;

/** Every statement of a role: its own and those of policies that are attached under a condition. */
function statementsOf(roleName: string): (Statement & { under?: string })[] {
  const own = at(stage.template.Resources[roleName], 'Properties', 'Policies') as {
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
    assert.equal(stage.template.Resources[role]!.Type, 'AWS::IAM::Role');
    roles.add(role);
    const logs = resourcesOf('AWS::Logs::LogGroup').find(
      ({ Properties }) => Properties.LogGroupName === `/aws/lambda/longshore-dev-${name}`,
    );
    assert.equal(logs?.Properties.RetentionInDays, 14);
  }
  assert.equal(roles.size, listFunctions().length);
  assert.equal(resourcesOf('AWS::IAM::Role').length, roles.size, 'a role that no function has');
});

const LOGS_AND_ECR_LOGIN = [
  'ecr-public:GetAuthorizationToken if EcrReadable',
  'ecr:GetAuthorizationToken if EcrReadable',
  'logs:CreateLogStream',
  'logs:PutLogEvents',
  'sts:GetServiceBearerToken if EcrReadable',
];

test('image-repository may touch its tag records and its logs, and ECR only under its parameter', () => {
  const ofStore = ['s3:DeleteObject', 's3:GetObject', 's3:ListBucket', 's3:PutObject'];
  checkRole('ImageRepositoryRole', 'tags', [
    ...LOGS_AND_ECR_LOGIN,
    'ecr:ListImages if EcrReadable',
    ...ofStore,
  ]);
});

test('image-policy may read what image-repository has written, and nothing more', () => {
  checkRole('ImagePolicyRole', 'tags', [
    ...LOGS_AND_ECR_LOGIN,
    'ecr:BatchGetImage if EcrReadable',
    's3:GetObject',
    's3:ListBucket',
  ]);
});

test('oci-repository may touch its artifacts and its logs, and ECR only under its parameter', () => {
  const ofStore = ['s3:DeleteObject', 's3:GetObject', 's3:ListBucket', 's3:PutObject'];
  const ofEcr = ['BatchGetImage', 'GetDownloadUrlForLayer', 'ListImages'];
  checkRole('OciRepositoryRole', 'artifacts', [
    ...LOGS_AND_ECR_LOGIN,
    ...ofEcr.map((action) => `ecr:${action} if EcrReadable`),
    ...ofStore,
  ]);
});

test('a function writes its own log and no other; those of Quay may do nothing else in the account', () => {
  for (const { name } of listFunctions()) {
    const statements = statementsOf(at(lambdaOf(name).Role, 'Fn::GetAtt', 0) as string);
    const logs = statements.filter(({ Action }) => [Action].flat().some((each) => each.startsWith('logs:')));
    assert.deepEqual(
      logs.map(({ Resource }) => /log-group:.*/.exec(at(Resource, 'Fn::Sub') as string)![0]),
      [`log-group:/aws/lambda/longshore-dev-${name}:*`],
    );
    if (name.startsWith('quay-')) assert.deepEqual(statements, logs, name);
  }
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

test('the bucket is private, encrypted, reached by TLS only, written by functions alone, and outlives the stack', () => {
  const { Store, StorePolicy } = stage.template.Resources;
  assert.equal(Store!.DeletionPolicy, 'Retain');
  // The other one is of osls, for the zips.
  for (const { Properties } of resourcesOf('AWS::S3::Bucket')) {
    assert.deepEqual(Properties.PublicAccessBlockConfiguration, {
      BlockPublicAcls: true,
      BlockPublicPolicy: true,
      IgnorePublicAcls: true,
      RestrictPublicBuckets: true,
    });
    assert.match(JSON.stringify(Properties.BucketEncryption), /AES256/);
  }
  const rules = at(Store!.Properties.LifecycleConfiguration, 'Rules') as Record<string, unknown>[];
  assert.ok(!JSON.stringify(rules).includes('Expiration'), 'a current artifact would go by its age');
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
    {
      Sid: 'FunctionsWrite',
      Effect: 'Deny',
      Principal: '*',
      Action: 's3:PutObject',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the placeholder is CloudFormation's
      Resource: { 'Fn::Sub': '${Store.Arn}/*' },
      Condition: {
        ArnNotEquals: {
          'aws:PrincipalArn': ['ImageRepositoryRole', 'OciRepositoryRole'].map((role) => ({
            'Fn::GetAtt': [role, 'Arn'],
          })),
        },
      },
    },
  ]);
});

test('the environment is the table of settings, with its defaults', () => {
  const variables = listFunctions().map(
    ({ name }) => at(lambdaOf(name), 'Environment', 'Variables') as Record<string, unknown>,
  );
  // A setting that two functions read has one value: it is one parameter.
  const { STORAGE_BUCKET, ARTIFACT_BASE_URL, ...others } = Object.assign({}, ...variables) as Record<
    string,
    unknown
  >;
  for (const each of variables) {
    for (const [name, value] of Object.entries(each))
      if (name in others) assert.equal(value, others[name], name);
  }
  assert.deepEqual(STORAGE_BUCKET, { Ref: 'Store' });
  assert.equal(
    ARTIFACT_BASE_URL,
    'http://source-controller.longshore-system.svc.cluster.local.',
    "the chart's",
  );
  /** What an account decides by itself, and what must not be on in a deployed function (decisions 10). */
  const left = new Set<SettingName>([
    'storage-bucket',
    'storage-endpoint',
    'artifact-base-url',
    'allow-loopback-addresses',
  ]);
  const expected = (Object.keys(SETTINGS) as SettingName[])
    .filter((name) => (SETTINGS[name].users as readonly string[]).includes('functions') && !left.has(name))
    .map((name) => [environmentName(name), SETTINGS[name].default]);
  assert.deepEqual(others, Object.fromEntries(expected));
});
