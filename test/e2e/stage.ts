/**
 * The whole product on a stage: relay and functions in this process, wired as `longshore up` wires them, and a namespace
 * of an API server, with a client that does not go through the product.
 */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { readUpFlags } from '../../infra/local/up/flags.ts';
import { connectCluster, serveCluster } from '../../infra/local/up/serve.ts';
import {
  IMAGE_REPOSITORY,
  type ImageRepository,
  type ImageRepositorySpec,
} from '../../shared/api/image-repository.ts';
import type { KubeClient } from '../../shared/kube/client.ts';
import { findCondition } from '../../shared/kube/conditions.ts';
import { type Condition, type Resource, SECRETS } from '../../shared/kube/resource.ts';
import type { ClusterEndpoint } from '../../shared/kube/transport.ts';
import { type Clock, systemClock } from '../../shared/runtime/clock.ts';
import { createLogger } from '../../shared/runtime/logger.ts';
import { assertKstatus } from '../workbench/kstatus.ts';

export const REQUESTED_AT = 'reconcile.fluxcd.io/requestedAt';

/** Path of a listing, for the faults of a registry. */
export const LISTING = /\/tags\/list/;

/** A test that waits longer has failed, however busy the machine is. */
const PATIENCE_MS = 60_000;
const ASK_EVERY_MS = 10;

export const REPOSITORIES: Resource = {
  group: IMAGE_REPOSITORY.group,
  version: IMAGE_REPOSITORY.versions[0],
  plural: IMAGE_REPOSITORY.plural,
  kind: IMAGE_REPOSITORY.kind,
  namespaced: true,
};

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

/** One namespace, and what a person does in it. Everything ends with the test. */
export interface Stage {
  readonly namespace: string;
  /** Folder of the object store. */
  readonly store: string;
  serve(options?: ServeOptions): Promise<Product>;
  /** Scanned every hour when the spec has no interval. */
  create(name: string, spec: Partial<ImageRepositorySpec>, metadata?: object): Promise<void>;
  edit(name: string, spec: Partial<ImageRepositorySpec>): Promise<void>;
  label(name: string, labels: Record<string, string>): Promise<void>;
  /** Asks for a scan. @returns the token that the status will show */
  request(name: string): Promise<string>;
  remove(name: string): Promise<void>;
  secret(name: string, data: Record<string, string>, type?: string): Promise<void>;
  read(name: string): Promise<ImageRepository>;
  /** Waits for a state of the object. @param wanted its name, for the message */
  until(name: string, wanted: string, holds: (object: ImageRepository) => boolean): Promise<ImageRepository>;
  /** Waits until the object is Ready at its generation, with its latest request answered. */
  ready(name: string): Promise<ImageRepository>;
  /** Waits until the object has Ready=False at its generation, and no run goes on. @returns that condition */
  failed(name: string): Promise<Condition>;
  gone(name: string): Promise<void>;
  /** Which objects have a tag record. @param store folder; the stage's own when left out */
  records(store?: string): Promise<string[]>;
  /** Every file of the store, as text. */
  contents(): Promise<string[]>;
}

let requests = 0;

export async function openStage(t: TestContext, api: StageApi): Promise<Stage> {
  const { kube } = api;
  const namespace = await api.createNamespace();
  const folder = await mkdtemp(path.join(tmpdir(), 'longshore-e2e-'));
  const products: Product[] = [];
  t.after(async () => {
    for (const product of products) await product.stop();
    await rm(folder, { recursive: true, force: true });
  });
  const ref = (name: string) => ({ namespace, name });

  const stage: Stage = {
    namespace,
    store: path.join(folder, 'store'),
    async serve(options = {}) {
      const { endpoint = api.endpoint, store = stage.store, clock = systemClock } = options;
      const args = [`--cluster-id=${namespace}`, ...(options.args ?? [`--namespace=${namespace}`])];
      const product = await startProduct(endpoint, store, args, clock);
      products.push(product);
      return product;
    },
    async create(name, spec, metadata = {}) {
      const { group, version, kind } = REPOSITORIES;
      const body = { metadata: { name, ...metadata }, spec: { interval: '1h', ...spec } };
      await kube.create(REPOSITORIES, { namespace }, { apiVersion: `${group}/${version}`, kind, ...body });
    },
    async edit(name, spec) {
      await kube.patch(REPOSITORIES, ref(name), { spec });
    },
    async label(name, labels) {
      await kube.patch(REPOSITORIES, ref(name), { metadata: { labels } });
    },
    async request(name) {
      const token = `request-${++requests}`;
      await kube.patch(REPOSITORIES, ref(name), { metadata: { annotations: { [REQUESTED_AT]: token } } });
      return token;
    },
    remove: (name) => kube.delete(REPOSITORIES, ref(name)),
    async secret(name, stringData, type = 'Opaque') {
      const body = { apiVersion: 'v1', kind: 'Secret', metadata: { name }, type, stringData };
      await kube.create(SECRETS, { namespace }, body);
    },
    async read(name) {
      const object = await kube.get<ImageRepository>(REPOSITORIES, ref(name));
      assert.ok(object, `${name} is gone`);
      return object;
    },
    async until(name, wanted, holds) {
      let object: ImageRepository | undefined;
      await eventually(
        async () => {
          object = await stage.read(name);
          return holds(object);
        },
        () => `${name} is not ${wanted}: ${JSON.stringify(object?.status)}`,
      );
      return object!;
    },
    async ready(name) {
      const object = await stage.until(name, 'Ready', ({ metadata, status }) => {
        const answered = metadata.annotations?.[REQUESTED_AT] === status?.lastHandledReconcileAt;
        return answered && status?.observedGeneration === metadata.generation && isReady({ status });
      });
      assertKstatus(object);
      return object;
    },
    async failed(name) {
      const object = await stage.until(name, 'failed', ({ metadata, status }) => {
        const ready = findCondition(status?.conditions, 'Ready');
        const isRunning = findCondition(status?.conditions, 'Reconciling')?.reason === 'Progressing';
        return ready?.status === 'False' && ready.observedGeneration === metadata.generation && !isRunning;
      });
      assertKstatus(object);
      return findCondition(object.status!.conditions, 'Ready')!;
    },
    gone: (name) =>
      eventually(
        async () => (await kube.get(REPOSITORIES, ref(name))) === undefined,
        () => `${name} is still there`,
      ),
    records: (store = stage.store) => filesBelow(path.join(store, 'objects', namespace, 'tags')),
    async contents() {
      const files = await filesBelow(stage.store);
      return Promise.all(files.map((file) => readFile(path.join(stage.store, file), 'utf8')));
    },
  };
  return stage;
}

/** At rest, and Ready. */
export function isReady({ status }: Pick<ImageRepository, 'status'>): boolean {
  const has = (type: string) => findCondition(status?.conditions, type)?.status === 'True';
  return has('Ready') && !has('Reconciling');
}

/** Asks until it holds. @throws AssertionError with `problem` after a minute */
export async function eventually(
  holds: () => boolean | Promise<boolean>,
  problem: () => string,
): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while (!(await holds())) {
    assert.ok(performance.now() < end, problem());
    await pause(ASK_EVERY_MS);
  }
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
  const { relay, stop } = await serveCluster({
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
