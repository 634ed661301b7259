/**
 * What runs pods in a cluster, as far as a page of the docs needs it: one process for the relay's Deployment, started
 * anew when the Deployment changes, and a status for `kubectl rollout status`.
 */
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { KubeClient } from '../../shared/kube/client.ts';
import { type KubeObject, SECRETS, type Secret } from '../../shared/kube/resource.ts';
import {
  DEPLOYMENTS,
  NAMESPACE,
  type Pod,
  type PodPlace,
  RELEASE_NAME,
  startPodOf,
} from '../deployed/deployment.ts';

type Workload = KubeObject<{
  replicas: number;
  template: { spec: { containers: { args: string[]; env?: Variable[] }[] } };
}>;

interface Variable {
  name: string;
  value?: string;
  valueFrom?: { secretKeyRef: { name: string; key: string } };
}

export interface Kubelet {
  /** What its pods have written. */
  output(): string;
  stop(): Promise<void>;
}

/**
 * @param place where its pods run; `environment` is that of all of them
 * @param onArgs is told of the flags before a pod starts; answers what else is in the pod's environment
 */
export function startKubelet(
  place: PodPlace,
  onArgs: (args: string[]) => Promise<Record<string, string>>,
): Kubelet {
  const { kube } = place;
  const ref = { namespace: NAMESPACE, name: RELEASE_NAME };
  let running = true;
  let pod: Pod | undefined;
  let served = '';
  let starts = 0;
  let output = '';

  const end = async () => {
    await pod?.stop();
    output += pod?.output() ?? '';
    pod = undefined;
  };

  const look = async () => {
    const workload = await kube.get<Workload>(DEPLOYMENTS, ref);
    const state = workload ? `${workload.metadata.uid}/${workload.metadata.generation}` : '';
    if (state === served) return;
    await end();
    served = state;
    if (!workload) return;
    const { args, env = [] } = workload.spec.template.spec.containers[0]!;
    const more = await onArgs(args);
    starts += 1;
    pod = await startPodOf({
      ...place,
      folder: join(place.folder, `account-${starts}`),
      environment: { ...place.environment, ...more, ...(await environmentOf(kube, env)) },
    });
    await pod.said('leading, epoch');
    await kube.patch(DEPLOYMENTS, { ...ref, subresource: 'status' }, { status: statusOf(workload) });
  };

  const loop = (async () => {
    while (running) {
      // Before the chart is installed there is no namespace either.
      await look().catch((error: unknown) => {
        output += `kubelet: ${String(error)}\n`;
      });
      await pause(100);
    }
  })();

  return {
    output: () => output + (pod?.output() ?? ''),
    async stop() {
      running = false;
      await loop;
      await end();
    },
  };
}

function statusOf({ metadata, spec: { replicas } }: Workload): object {
  return {
    observedGeneration: metadata.generation,
    replicas,
    updatedReplicas: replicas,
    readyReplicas: replicas,
    availableReplicas: replicas,
  };
}

async function environmentOf(kube: KubeClient, variables: Variable[]): Promise<Record<string, string>> {
  const environment: Record<string, string> = {};
  for (const { name, value, valueFrom } of variables) {
    if (value !== undefined) environment[name] = value;
    if (!valueFrom) continue;
    const { name: secret, key } = valueFrom.secretKeyRef;
    const found = await kube.get<Secret>(SECRETS, { namespace: NAMESPACE, name: secret });
    environment[name] = Buffer.from(found?.data?.[key] ?? '', 'base64').toString();
  }
  return environment;
}
