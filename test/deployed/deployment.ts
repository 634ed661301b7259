/**
 * Longshore as it is deployed, whole but for the account: the chart installed by helm on a real API server, relays that
 * run the bundle of their image with exactly the chart's flags and ServiceAccount, the packaged functions behind the
 * Invoke API, a real bucket.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeFiles } from '../../infra/bundle/cold-start.ts';
import { bundleRelay, RELAY_FILE } from '../../infra/bundle/relay.ts';
import { FOREIGN_CRDS } from '../../infra/local/api-server/foreign-kinds.ts';
import type { KubeClient } from '../../shared/kube/client.ts';
import type { KubeObject, Resource } from '../../shared/kube/resource.ts';
import { createKubeClient } from '../../shared/kube/rest-client.ts';
import { mintToken } from '../../shared/kube/token-access.ts';
import { createTransport } from '../../shared/kube/transport.ts';
import { CHART, helm, merge } from '../chart/helm.ts';
import { packageFunctions } from '../packaged/chain.ts';
import { type InvokeEndpoint, startInvokeEndpoint } from '../packaged/invoke-endpoint.ts';
import { type KubeApiServer, startKubeApiServerWith } from '../parts/kube-api-server.ts';
import { freePort } from '../parts/process.ts';
import { type S3Server, startVersitygw } from '../parts/versitygw.ts';

export const RELEASE_NAME = 'longshore';
export const NAMESPACE = 'longshore-system';
const PREFIX = 'longshore-test-';

export const DEPLOYMENTS: Resource = {
  group: 'apps',
  version: 'v1',
  plural: 'deployments',
  kind: 'Deployment',
  namespaced: true,
};

/** One relay: what a pod of the Deployment would run. */
export interface Pod {
  healthUrl: string;
  metricsUrl: string;
  artifactUrl: string;
  /** What it has written so far. */
  output(): string;
  /** Waits for a line with this text. Answers when the pod wrote the first one: milliseconds since 1970. */
  said(text: string): Promise<number>;
  /** `SIGTERM`, as the kubelet sends it; answers the exit code. */
  stop(): Promise<number | null>;
  /** `SIGKILL`. */
  kill(): Promise<void>;
}

export interface Deployment {
  cluster: KubeApiServer;
  /** With the administrator's rights. */
  kube: KubeClient;
  s3: S3Server;
  functions: InvokeEndpoint;
  functionName(name: string): string;
  startPod(): Promise<Pod>;
  /** Everything that pods and functions have written. */
  logs(): string;
  stop(): Promise<void>;
}

/** What the values of the chart may depend on. */
export interface World {
  cluster: KubeApiServer;
  kube: KubeClient;
  /** Of the functions and the relay. */
  credentials: { AWS_ACCESS_KEY_ID: string; AWS_SECRET_ACCESS_KEY: string; AWS_REGION: string };
}

/**
 * Installs the chart. No pod runs yet.
 * @param options.values laid over what the deployment needs
 * @param options.environment of the functions, laid over what they need
 * @param options.maxContainers of each function, at the same time
 */
export async function deploy(
  options: {
    values?: object | ((world: World) => Promise<object>);
    environment?: Record<string, string>;
    maxContainers?: number;
  } = {},
): Promise<Deployment> {
  const folder = await mkdtemp(join(tmpdir(), 'longshore-deployed-'));
  const [cluster, s3] = await Promise.all([startKubeApiServerWith([FOREIGN_CRDS]), startVersitygw()]);
  const credentials = {
    AWS_ACCESS_KEY_ID: s3.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: s3.credentials.secretAccessKey,
    AWS_REGION: s3.region,
  };
  const packaged = await packageFunctions(folder, PREFIX, {
    ...credentials,
    STORAGE_BUCKET: s3.bucket,
    STORAGE_ENDPOINT: s3.endpoint,
    ALLOW_LOOPBACK_ADDRESSES: 'true',
    ARTIFACT_BASE_URL: `http://source-controller.${NAMESPACE}.svc.cluster.local.`,
    ...options.environment,
  });
  for (const each of Object.values(packaged))
    Object.assign(each, { maxContainers: options.maxContainers ?? 4 });
  const functions = await startInvokeEndpoint(packaged);
  await writeFiles((await bundleRelay()).files, join(folder, 'relay'));
  const transport = createTransport(cluster.endpoint);
  const kube = createKubeClient(transport);
  const values = {
    cluster: { id: 'deployed', apiServer: cluster.endpoint.server },
    functions: { prefix: PREFIX },
    storage: { bucket: s3.bucket },
    settings: { 'lambda-endpoint': functions.url, 'storage-endpoint': s3.endpoint },
  };
  const own =
    typeof options.values === 'function'
      ? await options.values({ cluster, kube, credentials })
      : options.values;
  await helmOn(cluster, ['install', RELEASE_NAME, CHART, '--create-namespace'], merge(values, own));
  const pods: Pod[] = [];

  return {
    cluster,
    kube,
    s3,
    functions,
    functionName: (name) => PREFIX + name,
    async startPod() {
      const pod = await startPodOf({
        kube,
        cluster,
        relay: join(folder, 'relay', RELAY_FILE),
        folder: join(folder, `account-${pods.length}`),
        environment: credentials,
      });
      pods.push(pod);
      return pod;
    },
    logs: () =>
      [
        ...pods.map((pod) => pod.output()),
        ...Object.keys(packaged).map((name) => functions.output(name)),
      ].join(''),
    async stop() {
      await Promise.all(pods.map((pod) => pod.kill()));
      await functions.close();
      transport.close();
      await Promise.all([cluster.stop(), s3.stop()]);
      await rm(folder, { recursive: true });
    },
  };
}

/** Helm with the administrator's rights on a cluster, in the namespace of the release. */
export function helmOn(cluster: KubeApiServer, args: string[], values?: unknown): Promise<string> {
  return helm([...args, '--namespace', NAMESPACE, '--kubeconfig', cluster.kubeconfig], values);
}

/** The flags of the installed Deployment; the files of its ServiceAccount are written to `folder`. */
async function podArgs(kube: KubeClient, folder: string, cluster: KubeApiServer): Promise<string[]> {
  const name = RELEASE_NAME;
  const deployment = await kube.get<
    KubeObject<{
      template: { spec: { serviceAccountName: string; containers: { args: string[] }[] } };
    }>
  >(DEPLOYMENTS, { namespace: NAMESPACE, name });
  const { serviceAccountName, containers } = deployment!.spec.template.spec;
  const account = { namespace: NAMESPACE, serviceAccount: serviceAccountName, seconds: 3600 };
  const { token } = await mintToken(kube, account, new AbortController().signal);
  await mkdir(folder);
  await writeFile(join(folder, 'token'), token);
  await writeFile(join(folder, 'ca.crt'), cluster.endpoint.ca!);
  await writeFile(join(folder, 'namespace'), NAMESPACE);
  return containers[0]!.args;
}

export interface PodPlace {
  kube: KubeClient;
  cluster: KubeApiServer;
  /** Bundle of the relay. */
  relay: string;
  /** For the files of its ServiceAccount; must not be there. */
  folder: string;
  environment: Record<string, string>;
  /** Where it serves artifacts; left out: any port. */
  artifactPort?: number;
}

/** Runs a pod of the installed Deployment. */
export async function startPodOf({
  kube,
  cluster,
  relay,
  folder,
  environment,
  artifactPort,
}: PodPlace): Promise<Pod> {
  const args = await podArgs(kube, folder, cluster);
  const { hostname, port } = new URL(cluster.endpoint.server);
  const own = {
    SERVICE_ACCOUNT_FOLDER: folder,
    KUBERNETES_SERVICE_HOST: hostname,
    KUBERNETES_SERVICE_PORT: port,
  };
  return startPod(relay, args, { ...environment, ...own }, artifactPort ?? (await freePort()));
}

/** Every pod has an address of its own; here they share one, so their ports differ. */
async function startPod(
  file: string,
  args: string[],
  environment: Record<string, string>,
  storage: number,
): Promise<Pod> {
  const [health, metrics] = await Promise.all([freePort(), freePort()]);
  const addresses: Record<string, string> = {
    '--health-addr': `127.0.0.1:${health}`,
    '--metrics-addr': `127.0.0.1:${metrics}`,
    '--storage-addr': `127.0.0.1:${storage}`,
  };
  const own = args.map((arg) => {
    const flag = arg.split('=')[0]!;
    return flag in addresses ? `${flag}=${addresses[flag]}` : arg;
  });
  const child = spawn(process.execPath, [file, ...own], { env: environment });
  const killWithUs = () => child.kill('SIGKILL');
  process.once('exit', killWithUs);
  const ended = once(child, 'close').then(([code]) => {
    process.removeListener('exit', killWithUs);
    return code as number | null;
  });
  const { output, said } = listen(child, ended);
  return {
    healthUrl: `http://127.0.0.1:${health}`,
    metricsUrl: `http://127.0.0.1:${metrics}/metrics`,
    artifactUrl: `http://127.0.0.1:${storage}`,
    output,
    said,
    async stop() {
      child.kill('SIGTERM');
      return ended;
    },
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

function listen(child: ChildProcess, ended: Promise<unknown>): Pick<Pod, 'output' | 'said'> {
  let output = '';
  let hasEnded = false;
  const news = new Set<() => void>();
  const tell = () => {
    for (const wake of news) wake();
    news.clear();
  };
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      tell();
    });
  }
  void ended.then(() => {
    hasEnded = true;
    tell();
  });
  return {
    output: () => output,
    async said(text) {
      while (!output.includes(text)) {
        if (hasEnded) throw new Error(`the relay ended without saying '${text}':\n${output}`);
        await new Promise<void>((resolve) => news.add(resolve));
      }
      return writtenAt(output.split('\n').find((line) => line.includes(text))!);
    },
  };
}

/** Its own time counts: that of the test is later, on a busy machine much later. */
function writtenAt(line: string): number {
  return Date.parse(/"ts":"([^"]+)"/.exec(line)![1]!);
}
