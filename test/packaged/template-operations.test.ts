/** What an operator decides of a stage: cluster, network, concurrency, alarms; and what the relay may do. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listFunctions } from '../../infra/bundle/functions.ts';
import { at, type PolicyDocument, useTemplate } from './template.ts';

const stage = useTemplate();
const { resourcesOf, lambdaOf } = stage;

/** What a stage without any parameter decides. */
const OFF = { 'Fn::Not': [{ 'Fn::Equals': ['', ''] }] };

test('the conditions follow the parameters', async () => {
  assert.deepEqual(stage.template.Conditions, {
    StoragePrefixed: OFF,
    EcrReadable: OFF,
    OnEks: OFF,
    InVpc: OFF,
    AlarmsTold: OFF,
    AlarmsWanted: { 'Fn::Equals': ['true', 'true'] },
    ConcurrencyReserved: { 'Fn::Equals': ['false', 'true'] },
  });
  const repositories = 'arn:aws:ecr:eu-west-1:123456789012:repository/team/*';
  const topic = 'arn:aws:sns:eu-west-1:123456789012:alarms';
  const changed = await stage.withParameters(
    `ecr-repositories=${repositories}`,
    'storage-prefix=team-a',
    'cluster-id=blue',
    'cluster=main',
    'subnet-ids=subnet-1,subnet-2',
    'security-group-ids=sg-1',
    'alarms=false',
    `alarm-topic=${topic}`,
    'reserve-concurrency=true',
    'relay-namespace=flux-system',
  );
  const on = (value: string) => ({ 'Fn::Not': [{ 'Fn::Equals': [value, ''] }] });
  assert.deepEqual(changed.Conditions, {
    StoragePrefixed: on('team-a'),
    EcrReadable: on(repositories),
    OnEks: on('main'),
    InVpc: on('subnet-1,subnet-2'),
    AlarmsTold: on(topic),
    AlarmsWanted: { 'Fn::Equals': ['false', 'true'] },
    ConcurrencyReserved: { 'Fn::Equals': ['true', 'true'] },
  });
  const role = JSON.stringify(changed.Resources.ImageRepositoryRole);
  assert.match(role, /"Fn::If":\["StoragePrefixed","team-a\/blue","blue"\]/);
  const lambda = changed.Resources.ImageDashrepositoryLambdaFunction!.Properties;
  assert.deepEqual(at(lambda.VpcConfig, 'Fn::If', 1), {
    SubnetIds: { 'Fn::Split': [',', 'subnet-1,subnet-2'] },
    SecurityGroupIds: { 'Fn::Split': [',', 'sg-1'] },
  });
  assert.equal(
    at(lambda.Environment, 'Variables', 'ARTIFACT_BASE_URL') ??
      at(
        changed.Resources,
        'OciDashrepositoryLambdaFunction',
        'Properties',
        'Environment',
        'Variables',
        'ARTIFACT_BASE_URL',
      ),
    'http://source-controller.flux-system.svc.cluster.local.',
  );
});

test('every function: VPC and concurrency only under their conditions, those of Quay one at a time', () => {
  for (const { name } of listFunctions()) {
    const { VpcConfig, ReservedConcurrentExecutions, LoggingConfig } = lambdaOf(name);
    assert.deepEqual(
      [at(VpcConfig, 'Fn::If', 0), at(VpcConfig, 'Fn::If', 2)],
      ['InVpc', { Ref: 'AWS::NoValue' }],
    );
    assert.deepEqual(ReservedConcurrentExecutions, {
      'Fn::If': ['ConcurrencyReserved', name.startsWith('quay-') ? 1 : 16, { Ref: 'AWS::NoValue' }],
    });
    assert.equal(at(LoggingConfig, 'LogFormat'), 'JSON');
  }
  const { Condition, Properties } = stage.template.Resources.VpcPolicy!;
  assert.equal(Condition, 'InVpc');
  const roles = (Properties.Roles as { Ref: string }[]).map(({ Ref }) => Ref);
  const own = listFunctions().map(({ name }) => at(lambdaOf(name).Role, 'Fn::GetAtt', 0));
  assert.deepEqual(roles.sort(), own.sort());
  const [statement] = (Properties.PolicyDocument as PolicyDocument).Statement;
  assert.ok(
    [statement!.Action]
      .flat()
      .every((action) => /^ec2:\w+(NetworkInterfaces?|Subnets|PrivateIpAddresses)$/.test(action)),
  );
});

test('every function has its three alarms and, on EKS, an access entry with its own group', () => {
  const alarms = resourcesOf('AWS::CloudWatch::Alarm');
  const entries = resourcesOf('AWS::EKS::AccessEntry');
  for (const { name } of listFunctions()) {
    const { Role, Timeout } = lambdaOf(name);
    const own = alarms.filter(({ Properties }) =>
      (Properties.AlarmDescription as string).startsWith(`longshore ${name}: `),
    );
    assert.deepEqual(own.map(({ Properties }) => Properties.MetricName).sort(), [
      'Duration',
      'Errors',
      'Throttles',
    ]);
    const duration = own.find(({ Properties }) => Properties.MetricName === 'Duration');
    assert.ok((duration!.Properties.Threshold as number) < (Timeout as number) * 1000);
    const entry = entries.find(
      ({ Properties }) => at(Properties.KubernetesGroups, 0) === `longshore:${name}`,
    );
    assert.deepEqual(entry?.Properties.PrincipalArn, Role);
    assert.equal(entry?.Condition, 'OnEks');
  }
  assert.equal(alarms.length, 3 * listFunctions().length);
});

test('the relay may call the functions of its stage, read artifacts and remove orphans, and never write', () => {
  const { Properties } = stage.template.Resources.RelayPolicy!;
  const { Statement } = Properties.PolicyDocument as PolicyDocument;
  assert.deepEqual(
    Statement.map(({ Action }) => Action),
    ['lambda:InvokeFunction', 's3:GetObject', 's3:DeleteObject', 's3:ListBucket'],
  );
  assert.match(JSON.stringify(Statement[0]!.Resource), /function:longshore-dev-\*"/);
  assert.match(JSON.stringify(Statement[1]!.Resource), /\/artifacts\/\*"/);
  assert.equal(stage.template.Resources.RelayRole!.Condition, 'OnEks');
  assert.deepEqual(stage.template.Resources.RelayIdentity!.Properties, {
    ClusterName: '',
    Namespace: 'longshore-system',
    ServiceAccount: 'longshore',
    RoleArn: { 'Fn::GetAtt': ['RelayRole', 'Arn'] },
  });
});
