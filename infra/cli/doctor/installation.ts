/** The installed relay, as its Deployment tells: the flags decide what there is to check. */
import type { KubeClient } from '../../../shared/kube/client.ts';
import { isNotFound } from '../../../shared/kube/errors.ts';
import type { KubeObject, Resource } from '../../../shared/kube/resource.ts';
import { readSettings, type Settings } from '../../../shared/runtime/settings.ts';
import { RELAY_KINDS, type RelayKind } from '../../relay/kinds.ts';
import type { DoctorFlags } from './flags.ts';

export const DEPLOYMENTS: Resource = {
  group: 'apps',
  version: 'v1',
  plural: 'deployments',
  kind: 'Deployment',
  namespaced: true,
};

export type Deployment = KubeObject<
  {
    replicas?: number;
    template: {
      spec: {
        serviceAccountName?: string;
        containers: { args?: string[]; env?: { name: string; value?: string }[] }[];
      };
    };
  },
  { readyReplicas?: number }
>;

export interface Installation {
  /** Of the Deployment. */
  name: string;
  namespace: string;
  /** Release of the chart. */
  release: string;
  replicas: number;
  ready: number;
  serviceAccount: string;
  settings: Settings;
  /** Region of functions and bucket; empty: that of the credentials. */
  region: string;
  /** Those that it serves. */
  kinds: readonly RelayKind[];
  /** Each once. */
  functions: readonly string[];
}

/** By these labels the chart finds its own pods. */
export function selectorOf({ release }: DoctorFlags): string {
  return `app.kubernetes.io/name=longshore,app.kubernetes.io/instance=${release}`;
}

/**
 * @returns undefined when there is none
 * @throws SettingsError when the flags are none that this release knows; KubeError
 */
export async function findInstallation(
  kube: KubeClient,
  flags: DoctorFlags,
  signal: AbortSignal,
): Promise<Installation | undefined> {
  const { namespace } = flags;
  const options = { namespace, labelSelector: selectorOf(flags) };
  const { items } = await kube.list<Deployment>(DEPLOYMENTS, options, signal).catch((error) => {
    // The embedded control plane has no Deployments.
    if (isNotFound(error)) return { items: [] };
    throw error;
  });
  const [deployment] = items;
  return deployment && describe(deployment, namespace);
}

function describe({ metadata, spec, status }: Deployment, namespace: string): Installation {
  const { serviceAccountName = 'default', containers } = spec.template.spec;
  const { args = [], env = [] } = containers[0] ?? {};
  const environment = Object.fromEntries(env.map(({ name, value }) => [name, value]));
  const settings = readSettings('relay', args, environment);
  const kinds = RELAY_KINDS.filter(({ group }) => settings['api-groups'].includes(group));
  return {
    name: metadata.name,
    namespace,
    release: metadata.labels?.['app.kubernetes.io/version'] ?? '',
    replicas: spec.replicas ?? 1,
    ready: status?.readyReplicas ?? 0,
    serviceAccount: serviceAccountName,
    settings,
    region: environment.AWS_REGION ?? '',
    kinds,
    functions: [...new Set(kinds.map(({ functionName }) => functionName))],
  };
}
