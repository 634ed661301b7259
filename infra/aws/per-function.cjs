/**
 * What every function of `serverless.yml` gets besides its entry and its role: alarms, an access entry of the EKS
 * cluster, a place in the VPC, reserved concurrency. A further function needs nothing here.
 * JavaScript, because osls reads it by itself; CommonJS, because every Node takes it.
 */
const MINUTE = 60;

/** A function that runs for longer than this share of its time-out is about to fail. */
const NEAR_TIMEOUT = 0.8;

/** Batches at the same time: the relay's --concurrent, which is 16 by default; Quay allows few requests. */
const CONCURRENCY = 16;
const QUAY_CONCURRENCY = 1;

const IF = (condition, value) => ({ 'Fn::If': [condition, value, { Ref: 'AWS::NoValue' }] });

/** `oci-repository` is `OciDashrepository` in the names that osls makes. */
const logicalName = (name) =>
  name
    .split('-')
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join('');
const lambdaOf = (name) =>
  `${name.charAt(0).toUpperCase()}${name.slice(1).replaceAll('-', 'Dash')}LambdaFunction`;

/** Alarms that go to `alarm-topic`, if any: [what, CloudWatch's side of it]. */
const alarmsOf = (timeoutSeconds) => [
  [
    'Errors',
    'A function failed: a crash, a time-out, no memory. The relay repeats its objects with a back-off.',
    { Statistic: 'Sum', Threshold: 0, EvaluationPeriods: 5, DatapointsToAlarm: 3 },
  ],
  [
    'Throttles',
    'The account has no room for more calls. The work waits in the relay: raise the concurrency, or lower --concurrent.',
    { Statistic: 'Sum', Threshold: 0, EvaluationPeriods: 15, DatapointsToAlarm: 10 },
  ],
  [
    'Duration',
    'Batches take nearly as long as the time-out allows: a registry does not answer, or layers are huge.',
    {
      ExtendedStatistic: 'p99',
      Threshold: timeoutSeconds * 1000 * NEAR_TIMEOUT,
      EvaluationPeriods: 15,
      DatapointsToAlarm: 10,
    },
  ],
];

module.exports.resources = async ({ resolveConfigurationProperty, resolveVariable }) => {
  const functions = await resolveConfigurationProperty(['functions']);
  const param = (name) => resolveVariable(`param:${name}`);
  const [cluster, topic, subnets, groups] = await Promise.all(
    ['cluster', 'alarm-topic', 'subnet-ids', 'security-group-ids'].map(param),
  );
  const set = (text) => ({ 'Fn::Not': [{ 'Fn::Equals': [text, ''] }] });
  const list = (text) => ({ 'Fn::Split': [',', text] });
  const roles = Object.values(functions).map(({ role }) => ({ Ref: role }));

  const Resources = {
    // A function in a VPC makes its own network interfaces; these actions know no resource.
    VpcPolicy: {
      Type: 'AWS::IAM::Policy',
      Condition: 'InVpc',
      Properties: {
        PolicyName: 'vpc',
        Roles: roles,
        PolicyDocument: {
          Version: '2012-10-17',
          Statement: [
            {
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
            },
          ],
        },
      },
    },
  };
  const extensions = {};

  for (const [name, { role, timeout }] of Object.entries(functions)) {
    const lambda = lambdaOf(name);
    extensions[lambda] = {
      // Lambda asks for the rights on interfaces as soon as the function is made. Without a VPC it depends on nothing.
      DependsOn: ['VpcPolicy'],
      Properties: {
        VpcConfig: IF('InVpc', { SubnetIds: list(subnets), SecurityGroupIds: list(groups) }),
        ReservedConcurrentExecutions: IF(
          'ConcurrencyReserved',
          name.startsWith('quay-') ? QUAY_CONCURRENCY : CONCURRENCY,
        ),
      },
    };
    // Who a function is in the cluster: the chart gives this group the rights of this function, and no others.
    Resources[`${logicalName(name)}Access`] = {
      Type: 'AWS::EKS::AccessEntry',
      Condition: 'OnEks',
      Properties: {
        ClusterName: cluster,
        PrincipalArn: { 'Fn::GetAtt': [role, 'Arn'] },
        KubernetesGroups: [`longshore:${name}`],
        Type: 'STANDARD',
      },
    };
    for (const [metric, description, figures] of alarmsOf(timeout)) {
      Resources[`${logicalName(name)}${metric}Alarm`] = {
        Type: 'AWS::CloudWatch::Alarm',
        Condition: 'AlarmsWanted',
        Properties: {
          AlarmDescription: `longshore ${name}: ${description}`,
          Namespace: 'AWS/Lambda',
          MetricName: metric,
          Dimensions: [{ Name: 'FunctionName', Value: { Ref: lambda } }],
          Period: MINUTE,
          ComparisonOperator: 'GreaterThanThreshold',
          TreatMissingData: 'notBreaching',
          AlarmActions: IF('AlarmsTold', [topic]),
          OKActions: IF('AlarmsTold', [topic]),
          ...figures,
        },
      };
    }
  }

  return {
    Conditions: {
      OnEks: set(cluster),
      InVpc: set(subnets),
      AlarmsWanted: { 'Fn::Equals': [await param('alarms'), 'true'] },
      AlarmsTold: set(topic),
      ConcurrencyReserved: { 'Fn::Equals': [await param('reserve-concurrency'), 'true'] },
    },
    Resources,
    extensions,
  };
};
