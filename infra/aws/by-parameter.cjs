/**
 * What parameters of `serverless.yml` switch on: alarms, access to an EKS cluster, a place in the VPC, reserved
 * concurrency, for every function of the one list, so that a further function needs nothing here.
 * JavaScript, because osls reads it by itself; CommonJS, because every Node takes it.
 */

/** A function that runs for longer than this share of its time-out is about to fail. */
const NEAR_TIMEOUT = 0.8;

/** Batches at the same time: the relay's --concurrent, which is 16 by default; Quay allows few requests. */
const CONCURRENCY = 16;
const QUAY_CONCURRENCY = 1;

/** As osls names a function: `oci-repository` is `OciDashrepositoryLambdaFunction`. */
const lambdaOf = (name) => `${capital(name).replaceAll('-', 'Dash')}LambdaFunction`;

/** `oci-repository` is `OciRepository` in our own names. */
const ownName = (name) => name.split('-').map(capital).join('');

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** @returns `Resources` of the stack, and `extensions` of those that osls makes */
module.exports.resources = async ({ resolveConfigurationProperty, resolveVariable }) => {
  const functions = await resolveConfigurationProperty(['functions']);
  const wanted = async (name) => String((await resolveVariable(`param:${name}`)) ?? '');
  const [cluster, namespace, account, subnets, groups, alarms, topic, reserve] = await Promise.all(
    [
      'cluster',
      'relay-namespace',
      'relay-service-account',
      'subnet-ids',
      'security-group-ids',
      'alarms',
      'alarm-topic',
      'reserve-concurrency',
    ].map(wanted),
  );
  const Resources = {};
  const extensions = {};
  if (subnets) Resources.VpcPolicy = vpcPolicy(Object.values(functions));
  if (cluster) Object.assign(Resources, relayIdentity(cluster, namespace, account));
  for (const [name, { role, timeout }] of Object.entries(functions)) {
    if (cluster) Resources[`${ownName(name)}Access`] = accessEntry(cluster, name, role);
    if (alarms === 'true') Object.assign(Resources, alarmsOf(name, timeout, topic));
    extensions[lambdaOf(name)] = {
      Properties: {
        ...(subnets && { VpcConfig: { SubnetIds: subnets.split(','), SecurityGroupIds: groups.split(',') } }),
        ...(reserve === 'true' && {
          ReservedConcurrentExecutions: name.startsWith('quay-') ? QUAY_CONCURRENCY : CONCURRENCY,
        }),
      },
      // Lambda asks for the rights on interfaces as soon as the function is made.
      ...(subnets && { DependsOn: ['VpcPolicy'] }),
    };
  }
  return { Resources, extensions };
};

/** A function in a VPC makes its own network interfaces; these actions know no resource. */
function vpcPolicy(functions) {
  const statement = {
    Sid: 'OwnInterfaces',
    Effect: 'Allow',
    Action: [
      'ec2:CreateNetworkInterface',
      'ec2:DeleteNetworkInterface',
      'ec2:DescribeNetworkInterfaces',
      'ec2:DescribeSubnets',
      'ec2:AssignPrivateIpAddresses',
      'ec2:UnassignPrivateIpAddresses',
    ],
    Resource: '*',
  };
  return {
    Type: 'AWS::IAM::Policy',
    Properties: {
      PolicyName: 'vpc',
      Roles: functions.map(({ role }) => ({ Ref: role })),
      PolicyDocument: { Version: '2012-10-17', Statement: [statement] },
    },
  };
}

/** Who a function is in the cluster: the chart gives this group the rights of this function, and no others. */
function accessEntry(cluster, name, role) {
  return {
    Type: 'AWS::EKS::AccessEntry',
    Properties: {
      ClusterName: cluster,
      PrincipalArn: { 'Fn::GetAtt': [role, 'Arn'] },
      KubernetesGroups: [`longshore:${name}`],
      Type: 'STANDARD',
    },
  };
}

/** The relay's pod has its rights in the account by EKS Pod Identity. */
function relayIdentity(cluster, namespace, account) {
  const statement = {
    Effect: 'Allow',
    Principal: { Service: 'pods.eks.amazonaws.com' },
    Action: ['sts:AssumeRole', 'sts:TagSession'],
    Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
  };
  return {
    RelayRole: {
      Type: 'AWS::IAM::Role',
      Properties: {
        Description: 'The relay of Longshore, by EKS Pod Identity',
        ManagedPolicyArns: [{ Ref: 'RelayPolicy' }],
        AssumeRolePolicyDocument: { Version: '2012-10-17', Statement: [statement] },
      },
    },
    RelayIdentity: {
      Type: 'AWS::EKS::PodIdentityAssociation',
      Properties: {
        ClusterName: cluster,
        Namespace: namespace,
        ServiceAccount: account,
        RoleArn: { 'Fn::GetAtt': ['RelayRole', 'Arn'] },
      },
    },
  };
}

/** The alarms of a function; they tell `topic`, if there is one. */
function alarmsOf(name, timeoutSeconds, topic) {
  const watched = {
    Errors: {
      AlarmDescription:
        'It failed: a crash, a time-out, no memory. The relay repeats its objects with a back-off.',
      Statistic: 'Sum',
      Threshold: 0,
      EvaluationPeriods: 5,
      DatapointsToAlarm: 3,
    },
    Throttles: {
      AlarmDescription:
        'No room for more calls; work waits in the relay. Raise the concurrency, or lower --concurrent.',
      Statistic: 'Sum',
      Threshold: 0,
      EvaluationPeriods: 15,
      DatapointsToAlarm: 10,
    },
    Duration: {
      AlarmDescription:
        'Batches take nearly all of the time-out: a registry does not answer, or layers are huge.',
      ExtendedStatistic: 'p99',
      Threshold: timeoutSeconds * 1000 * NEAR_TIMEOUT,
      EvaluationPeriods: 15,
      DatapointsToAlarm: 10,
    },
  };
  const alarms = Object.entries(watched).map(([MetricName, figures]) => [
    `${ownName(name)}${MetricName}Alarm`,
    {
      Type: 'AWS::CloudWatch::Alarm',
      Properties: {
        Namespace: 'AWS/Lambda',
        MetricName,
        Dimensions: [{ Name: 'FunctionName', Value: { Ref: lambdaOf(name) } }],
        Period: 60,
        ComparisonOperator: 'GreaterThanThreshold',
        TreatMissingData: 'notBreaching',
        ...(topic && { AlarmActions: [topic], OKActions: [topic] }),
        ...figures,
      },
    },
  ]);
  return Object.fromEntries(alarms);
}
