/**
 * The whole product on a stage: relay and functions in this process, wired as `longshore up` wires them, and a namespace
 * of an API server, with a client that does not go through the product.
 */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { readUpFlags } from '../../infra/local/up/flags.ts';
import { connectCluster, serveCluster } from '../../infra/local/up/serve.ts';
import { IMAGE_REPOSITORY, type ImageRepository } from '../../shared/api/image-repository.ts';
import { OCI_REPOSITORY, type OciRepository } from '../../shared/api/oci-repository.ts';
import type { KubeClient } from '../../shared/kube/client.ts';
import { type Resource, SECRETS } from '../../shared/kube/resource.ts';
import type { ClusterEndpoint } from '../../shared/kube/transport.ts';
import { type Clock, systemClock } from '../../shared/runtime/clock.ts';
import { createLogger } from '../../shared/runtime/logger.ts';
import { eventually, newest, type Objects, openObjects } from './objects.ts';

export { eventually, isReady, REQUESTED_AT } from './objects.ts';

/** Path of a listing, for the faults of a registry. */
export const LISTING = /\/tags\/list/;

export const REPOSITORIES: Resource = newest(IMAGE_REPOSITORY);

/** The API server below a stage. */
export interface StageApi {
  readonly endpoint: ClusterEndpoint;
  readonly kube: KubeClient;
  createNamespace(): Promise<string>;
}

/** Relay and functions, running. */
export interface Product {
  /** Lines of the log, of every level. */
  log: string[];
  /** The text of `/metrics`. */
  metrics(): Promise<string>;
  /** Where it serves artifacts. */
  artifactUrl: string;
  /** Runs of objects so far. */
  runs(): Promise<number>;
  /** Resolves when every object was listed, none waits for a run, and none runs. */
  idle(): Promise<void>;
  stop(): Promise<void>;
}

export interface ServeOptions {
  /** How the product reaches the API server; directly when left out. */
  endpoint?: ClusterEndpoint;
  /** Folder of the object store; the stage's own when left out. */
  store?: string;
  /** What to serve, as flags of `longshore up`; the stage's namespace when left out. */
  args?: string[];
  /** The machine's when left out. */
  clock?: Clock;
}

/** One namespace, and what a person does in it, with an `ImageRepository` where no kind is named. Everything ends with the test. */
export interface Stage extends Objects<ImageRepository> {
  readonly namespace: string;
  /** Folder of the object store. */
  readonly store: string;
  /** The objects of the other kind that keeps files. */
  readonly artifacts: Objects<OciRepository>;
  serve(options?: ServeOptions): Promise<Product>;
  secret(name: string, data: Record<string, string>, type?: string): Promise<void>;
  /** Which objects have a tag record. @param store folder; the stage's own when left out */
  records(store?: string): Promise<string[]>;
  /** Paths of all artifacts, below the base of their addresses. @param store folder; the stage's own when left out */
  files(store?: string): Promise<string[]>;
  /** Every file of the store, as text. */
  contents(): Promise<string[]>;
}

export async function openStage(t: TestContext, api: StageApi): Promise<Stage> {
  const { kube } = api;
  const namespace = await api.createNamespace();
  const folder = await mkdtemp(path.join(tmpdir(), 'longshore-e2e-'));
  const products: Product[] = [];
  t.after(async () => {
    for (const product of products) await product.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const stage: Stage = {
    ...openObjects<ImageRepository>(kube, REPOSITORIES, namespace),
    artifacts: openObjects<OciRepository>(kube, newest(OCI_REPOSITORY), namespace),
    namespace,
    store: path.join(folder, 'store'),
    async serve(options = {}) {
      const { endpoint = api.endpoint, store = stage.store, clock = systemClock } = options;
      const args = [`--cluster-id=${namespace}`, ...(options.args ?? [`--namespace=${namespace}`])];
      const product = await startProduct(endpoint, store, args, clock);
      products.push(product);
      return product;
    },
    async secret(name, stringData, type = 'Opaque') {
      const body = { apiVersion: 'v1', kind: 'Secret', metadata: { name }, type, stringData };
      await kube.create(SECRETS, { namespace }, body);
    },
    records: (store = stage.store) => filesBelow(path.join(store, 'objects', namespace, 'tags')),
    files: (store = stage.store) => filesBelow(path.join(store, 'objects', namespace, 'artifacts')),
    async contents() {
      const files = await filesBelow(stage.store);
      return Promise.all(files.map((file) => readFile(path.join(stage.store, file), 'utf8')));
    },
  };
  return stage;
}

async function startProduct(
  endpoint: ClusterEndpoint,
  store: string,
  args: string[],
  clock: Clock,
): Promise<Product> {
  const addresses = ['health', 'metrics', 'storage'].map((name) => `--${name}-addr=127.0.0.1:0`);
  const own = [...addresses, '--log-level=debug'];
  const { settings } = readUpFlags([...own, ...args], {});
  const log: string[] = [];
  const cluster = connectCluster(endpoint);
  const { relay, artifactUrl, stop } = await serveCluster({
    cluster,
    settings,
    store,
    clock,
    log: createLogger(settings['log-level'], (line) => log.push(line)),
  });
  const isIdle = () =>
    relay.state().every(({ synced, waiting, running }) => synced && waiting + running === 0);
  const metrics = async () => (await Array.fromAsync(relay.metrics())).join('');
  let stopped: Promise<void> | undefined;
  return {
    log,
    artifactUrl,
    metrics,
    async runs() {
      const counts = (await metrics()).matchAll(/^controller_runtime_reconcile_total\{[^}]*\} (\d+)$/gm);
      return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
    },
    idle: () => eventually(isIdle, () => `the relay is not idle: ${JSON.stringify(relay.state())}`),
    stop() {
      stopped ??= stop().finally(() => cluster.transport.close());
      return stopped;
    },
  };
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => entry.isFile());
  return files.map((file) => path.relative(folder, path.join(file.parentPath, file.name))).sort();
}
