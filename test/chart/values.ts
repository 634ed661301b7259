/** The main ways to install the chart: each has its golden render, and `docs/install.md` tells of it. */

export const VALUE_SETS: Readonly<Record<string, { namespace: string; values: object }>> = {
  default: { namespace: 'longshore-system', values: {} },

  eks: {
    namespace: 'flux-system',
    values: {
      image: {
        repository: '111122223333.dkr.ecr.eu-central-1.amazonaws.com/longshore-relay',
        pullSecrets: [{ name: 'registry' }],
      },
      cluster: { id: 'blue', eksName: 'main' },
      functions: { region: 'eu-central-1' },
      storage: { prefix: 'team-a' },
      serviceAccount: {
        annotations: { 'eks.amazonaws.com/role-arn': 'arn:aws:iam::111122223333:role/longshore-relay' },
      },
      serviceMonitor: { enabled: true, labels: { release: 'prometheus' } },
      scheduling: {
        nodeSelector: { 'kubernetes.io/arch': 'arm64' },
        priorityClassName: 'system-cluster-critical',
      },
    },
  },

  'beside-flux': {
    namespace: 'flux-system',
    values: {
      scope: { labelSelector: 'longshore.dev/migrated=true' },
      kinds: { image: { crds: false }, source: { crds: false }, quay: { enabled: false } },
      artifacts: { serviceName: 'longshore-artifacts' },
      partOf: 'flux',
    },
  },

  'two-namespaces': {
    namespace: 'team-a-tools',
    values: {
      replicas: 1,
      scope: { namespaces: ['team-a', 'team-b'] },
      kinds: { source: { enabled: false } },
      functions: { objectLevelWorkloadIdentity: true },
      networkPolicy: { extraEgress: [{ ports: [{ port: 3128, protocol: 'TCP' }] }] },
      settings: { 'log-level': 'debug', concurrent: 8 },
      extraEnv: [{ name: 'HTTPS_PROXY', value: 'http://proxy:3128' }],
      extraVolumes: [{ name: 'ca', configMap: { name: 'ca' } }],
      extraVolumeMounts: [{ name: 'ca', mountPath: '/ca' }],
      labels: { 'sidecar.istio.io/inject': 'false' },
    },
  },
};
