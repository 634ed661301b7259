/** What an operator decides of a stage: cluster, network, concurrency, alarms; and what the relay may do. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { listFunctions } from '../../infra/bundle/functions.ts';
import { at, type PolicyDocument, type Template, type TemplateResource, useTemplate } from './template.ts';

const stage = useTemplate();
const { resourcesOf, lambdaOf } = stage;

test('what no parameter asks for is not there: no VPC, no EKS, no concurrency', () => {
  for (const type of ['AWS::EKS::AccessEntry', 'AWS::EKS::PodIdentityAssociation']) {
    assert.equal(resourcesOf(type).length, 0, type);
  }
  assert.equal(stage.template.Resources.VpcPolicy, undefined);
  for (const { name } of listFunctions()) {
    const { VpcConfig, ReservedConcurrentExecutions } = lambdaOf(name);
    assert.deepEqual([VpcConfig, ReservedConcurrentExecutions], [undefined, undefined]);
  }
});

describe('with every parameter', () => {
  const TOPIC = 'arn:aws:sns:eu-west-1:123456789012:alarms';
  let everything: Template;

  before(async () => {
    everything = await stage.withParameters(
      'cluster=main',
      'subnet-ids=subnet-1,subnet-2',
      'security-group-ids=sg-1',
      `alarm-topic=${TOPIC}`,
      'reserve-concurrency=true',
      'relay-namespace=flux-system',
      'relay-service-account=relay',
    );
  });

  /** Resources of a type in the stage that has all of it. */
  function all(type: string): TemplateResource[] {
    return Object.values(everything.Resources).filter((resource) => resource.Type === type);
  }

  function lambdaWithAll(name: string): TemplateResource {
    return all('AWS::Lambda::Function').find(
      ({ Properties }) => Properties.FunctionName === `longshore-dev-${name}`,
    )!;
  }

  test('prefix, cluster id and ECR reach the roles; alarms can be left out', async () => {
    const repositories = 'arn:aws:ecr:eu-west-1:123456789012:repository/team/*';
    const changed = await stage.withParameters(
      `ecr-repositories=${repositories}`,
      'storage-prefix=team-a',
      'cluster-id=blue',
      'alarms=false',
    );
    assert.ok(!Object.values(changed.Resources).some(({ Type }) => Type === 'AWS::CloudWatch::Alarm'));
    assert.deepEqual(changed.Conditions, {
      StoragePrefixed: { 'Fn::Not': [{ 'Fn::Equals': ['team-a', ''] }] },
      EcrReadable: { 'Fn::Not': [{ 'Fn::Equals': [repositories, ''] }] },
    });
    const role = JSON.stringify(changed.Resources.ImageRepositoryRole);
    assert.match(role, /"Fn::If":\["StoragePrefixed","team-a\/blue","blue"\]/);
  });

  test('every function: its place in the VPC with the rights for it, and concurrency, those of Quay one at a time', () => {
    for (const { name } of listFunctions()) {
      const { Properties, DependsOn } = lambdaWithAll(name);
      assert.deepEqual(Properties.VpcConfig, {
        SubnetIds: ['subnet-1', 'subnet-2'],
        SecurityGroupIds: ['sg-1'],
      });
      assert.ok(DependsOn?.includes('VpcPolicy'));
      assert.equal(Properties.ReservedConcurrentExecutions, name.startsWith('quay-') ? 1 : 16);
    }
    const { Properties } = everything.Resources.VpcPolicy!;
    const roles = (Properties.Roles as { Ref: string }[]).map(({ Ref }) => Ref);
    const own = listFunctions().map(({ name }) => at(lambdaOf(name).Role, 'Fn::GetAtt', 0));
    assert.deepEqual(roles.sort(), own.sort());
    const [statement] = (Properties.PolicyDocument as PolicyDocument).Statement;
    const actions = [statement!.Action].flat();
    assert.ok(
      actions.every((action) => /^ec2:\w+(NetworkInterfaces?|Subnets|PrivateIpAddresses)$/.test(action)),
    );
  });

  test('every function writes JSON logs, has its three alarms and, on EKS, an access entry with its own group', () => {
    const alarms = resourcesOf('AWS::CloudWatch::Alarm');
    for (const { name } of listFunctions()) {
      const { Role, Timeout, LoggingConfig } = lambdaOf(name);
      assert.equal(at(LoggingConfig, 'LogFormat'), 'JSON');
      const lambda = Object.entries(stage.template.Resources).find(
        ([, { Properties }]) => Properties?.FunctionName === `longshore-dev-${name}`,
      )![0];
      const own = alarms.filter(({ Properties }) => at(Properties.Dimensions, 0, 'Value', 'Ref') === lambda);
      assert.deepEqual(own.map(({ Properties }) => Properties.MetricName).sort(), [
        'Duration',
        'Errors',
        'Throttles',
      ]);
      const duration = own.find(({ Properties }) => Properties.MetricName === 'Duration');
      assert.ok((duration!.Properties.Threshold as number) < (Timeout as number) * 1000);
      const entry = all('AWS::EKS::AccessEntry').find(
        ({ Properties }) => at(Properties.KubernetesGroups, 0) === `longshore:${name}`,
      );
      assert.deepEqual([entry?.Properties.PrincipalArn, entry?.Properties.ClusterName], [Role, 'main']);
    }
    assert.equal(alarms.length, 3 * listFunctions().length);
    assert.ok(alarms.every(({ Properties }) => Properties.AlarmActions === undefined));
    assert.ok(
      all('AWS::CloudWatch::Alarm').every(({ Properties }) => at(Properties.AlarmActions, 0) === TOPIC),
    );
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
    assert.deepEqual(everything.Resources.RelayIdentity!.Properties, {
      ClusterName: 'main',
      Namespace: 'flux-system',
      ServiceAccount: 'relay',
      RoleArn: { 'Fn::GetAtt': ['RelayRole', 'Arn'] },
    });
    assert.deepEqual(everything.Resources.RelayRole!.Properties.ManagedPolicyArns, [{ Ref: 'RelayPolicy' }]);
  });

  test('URLs of artifacts begin with the Service of the namespace that the chart is installed in', () => {
    const variables = lambdaWithAll('oci-repository').Properties.Environment;
    const base = 'http://source-controller.flux-system.svc.cluster.local.';
    assert.equal(at(variables, 'Variables', 'ARTIFACT_BASE_URL'), base);
  });
});
