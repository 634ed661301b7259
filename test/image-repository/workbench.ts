/** One function and one cluster on a table: objects go in, runs are made one by one, and everything is counted. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createReconciler } from '../../functions/image-repository/reconcile.ts';
import {
  IMAGE_REPOSITORY,
  type ImageRepository,
  type ImageRepositorySpec,
} from '../../shared/api/image-repository.ts';
import type { KubeClient } from '../../shared/kube/client.ts';
import { EVENTS, type KubeObject, NAMESPACES, type Resource, SECRETS } from '../../shared/kube/resource.ts';
import { type Clock, systemClock } from '../../shared/runtime/clock.ts';
import type { Outcome, ReconcileRequest } from '../../shared/runtime/contract.ts';
import { createLogger } from '../../shared/runtime/logger.ts';
import { kindText } from '../../shared/runtime/reconciler.ts';
import { runKey } from '../../shared/runtime/run-key.ts';
import { readSettings, type SettingName } from '../../shared/runtime/settings.ts';
import { createDirectoryStore } from '../../shared/storage/directory.ts';
import type { ObjectStore } from '../../shared/storage/object-store.ts';
import { readTagRecord, type TagRecord } from '../../shared/storage/tag-record.ts';

const CLUSTER = 'test';

/** One request to the API server, or one operation of the store. */
export interface Operation {
  verb: string;
  /** `imagerepositories/status`, `secrets`; a key of the store. */
  on: string;
}

/** A clock that a test moves; its timers run in real time, or faster. */
export interface MovableClock extends Clock {
  move(ms: number): void;
}

export interface WorkbenchOptions {
  kube: KubeClient;
  /** Id of the cluster. */
  cluster?: string;
  /** Version of the kind that the tests write with. */
  version?: string;
  settings?: Partial<Record<SettingName, string>>;
  /** Makes waits so many times shorter. */
  speed?: number;
  /** The store of another workbench; one of its own when left out. */
  store?: ObjectStore;
}

export interface RunOptions {
  trigger?: ReconcileRequest['trigger'];
  attempt?: number;
  /** Time that the function has, 60 s when left out. */
  remainingMs?: number;
  signal?: AbortSignal;
}

export interface Workbench {
  kube: KubeClient;
  resource: Resource;
  namespace: string;
  clock: MovableClock;
  store: ObjectStore;
  /** Everything that was asked of API server and store since the last `forget`. */
  api: Operation[];
  stored: Operation[];
  /** Lines of the log. */
  log: string[];
  /** Called before each operation; what it throws is the operation's answer. */
  hooks: {
    api?: (operation: Operation) => void | Promise<void>;
    store?: (operation: Operation) => void | Promise<void>;
  };
  forget(): void;
  /** Requests that write. */
  writes(): Operation[];
  create(
    name: string,
    spec: Partial<ImageRepositorySpec>,
    metadata?: Record<string, unknown>,
  ): Promise<ImageRepository>;
  edit(name: string, patch: Record<string, unknown>): Promise<void>;
  annotate(name: string, annotations: Record<string, string | null>): Promise<void>;
  remove(name: string): Promise<void>;
  secret(name: string, data: Record<string, string>, type?: string): Promise<void>;
  run(name: string, options?: RunOptions): Promise<Outcome>;
  read(name: string): Promise<ImageRepository | undefined>;
  record(name: string, uid: string): Promise<TagRecord | undefined>;
  events(name: string): Promise<EventText[]>;
  close(): Promise<void>;
}

export interface EventText {
  type: string;
  reason: string;
  message: string;
  count: number;
}

let namespaces = 0;

export async function openWorkbench(options: WorkbenchOptions): Promise<Workbench> {
  const folder = await mkdtemp(path.join(tmpdir(), 'longshore-scan-'));
  const namespace = `scan-${process.pid}-${++namespaces}`;
  const resource: Resource = {
    group: IMAGE_REPOSITORY.group,
    version: options.version ?? 'v1',
    plural: IMAGE_REPOSITORY.plural,
    kind: IMAGE_REPOSITORY.kind,
    namespaced: true,
  };
  const { kube, cluster = CLUSTER } = options;
  await kube.create(NAMESPACES, {}, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  const hooks: Workbench['hooks'] = {};
  const api: Operation[] = [];
  const stored: Operation[] = [];
  const log: string[] = [];
  const counted = countApi(kube, api, hooks);
  const store = countStore(options.store ?? createDirectoryStore(folder), stored, hooks);
  const clock = movableClock(options.speed ?? 1);
  const settings = readSettings(
    'functions',
    [],
    {},
    { 'allow-loopback-addresses': 'true', ...options.settings },
  );
  const reconcilers = new Map([[kindText(IMAGE_REPOSITORY), createReconciler({ settings })]]);
  const logger = createLogger('debug', (line) => log.push(line));

  return {
    kube,
    resource,
    namespace,
    clock,
    store,
    api,
    stored,
    log,
    hooks,
    forget() {
      api.length = 0;
      stored.length = 0;
    },
    writes: () => api.filter(({ verb }) => verb === 'create' || verb === 'patch' || verb === 'delete'),
    create: (name, spec, metadata) =>
      kube.create<ImageRepository>(
        resource,
        { namespace },
        {
          apiVersion: `${resource.group}/${resource.version}`,
          kind: resource.kind,
          metadata: { namespace, name, ...metadata },
          spec: { interval: '10m', ...spec },
        },
      ),
    async edit(name, patch) {
      await kube.patch(resource, { namespace, name }, patch);
    },
    async annotate(name, annotations) {
      await kube.patch(resource, { namespace, name }, { metadata: { annotations } });
    },
    remove: (name) => kube.delete(resource, { namespace, name }),
    async secret(name, data, type = 'Opaque') {
      const encoded = Object.entries(data).map(([key, value]) => [
        key,
        Buffer.from(value).toString('base64'),
      ]);
      await kube.create(
        SECRETS,
        { namespace },
        {
          apiVersion: 'v1',
          kind: 'Secret',
          metadata: { namespace, name },
          type,
          data: Object.fromEntries(encoded),
        },
      );
    },
    async run(name, run = {}) {
      const request: ReconcileRequest = {
        group: IMAGE_REPOSITORY.group,
        kind: IMAGE_REPOSITORY.kind,
        namespace,
        name,
        uid: 'not-known',
        trigger: run.trigger ?? 'change',
        attempt: run.attempt ?? 0,
      };
      const batch = {
        cluster,
        kube: counted,
        signal: run.signal ?? new AbortController().signal,
        deadline: clock.now() + (run.remainingMs ?? 60_000),
      };
      return await runKey(request, batch, reconcilers, {
        connect: () => counted,
        store,
        clock,
        log: logger,
        logFailures: true,
      });
    },
    read: (name) => kube.get<ImageRepository>(resource, { namespace, name }),
    record: (name, uid) => readTagRecord(store, { cluster, namespace, name }, { uid, log: logger }),
    async events(name) {
      const page = await kube.list<KubeObject & EventText & { involvedObject: { name: string } }>(EVENTS, {
        namespace,
      });
      return page.items
        .filter((event) => event.involvedObject.name === name)
        .map(({ type, reason, message, count }) => ({ type, reason, message, count }));
    },
    close: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Stands still but for `move`, so that no boundary of a table depends on the speed of the machine. */
function movableClock(speed: number): MovableClock {
  let now = Math.floor(Date.now() / 1000) * 1000;
  return {
    now: () => now,
    after: (ms, callback) => systemClock.after(ms / speed, callback),
    move(ms) {
      now += ms;
    },
  };
}

function countApi(kube: KubeClient, operations: Operation[], hooks: Workbench['hooks']): KubeClient {
  const count = async (verb: string, on: string) => {
    const operation = { verb, on };
    operations.push(operation);
    await hooks.api?.(operation);
  };
  const name = (resource: Resource, subresource?: string) =>
    subresource ? `${resource.plural}/${subresource}` : resource.plural;
  return {
    async get(resource, ref, signal) {
      await count('get', name(resource, ref.subresource));
      return await kube.get(resource, ref, signal);
    },
    async list(resource, options, signal) {
      await count('list', name(resource));
      return await kube.list(resource, options, signal);
    },
    async create(resource, ref, body, signal) {
      await count('create', name(resource, ref.subresource));
      return await kube.create(resource, ref, body, signal);
    },
    async patch(resource, ref, body, signal) {
      await count('patch', name(resource, ref.subresource));
      return await kube.patch(resource, ref, body, signal);
    },
    async delete(resource, ref, options, signal) {
      await count('delete', name(resource, ref.subresource));
      await kube.delete(resource, ref, options, signal);
    },
    async getPath(at, signal) {
      await count('getPath', at);
      return await kube.getPath(at, signal);
    },
  };
}

function countStore(store: ObjectStore, operations: Operation[], hooks: Workbench['hooks']): ObjectStore {
  const count = async (verb: string, on: string) => {
    const operation = { verb, on };
    operations.push(operation);
    await hooks.store?.(operation);
  };
  return {
    async put(key, body, options, signal) {
      await count('put', key);
      return await store.put(key, body, options, signal);
    },
    async get(key, signal) {
      await count('get', key);
      return await store.get(key, signal);
    },
    async copy(from, to, signal) {
      await count('copy', to);
      await store.copy(from, to, signal);
    },
    async head(key, signal) {
      await count('head', key);
      return await store.head(key, signal);
    },
    async *list(prefix, signal) {
      await count('list', prefix);
      yield* store.list(prefix, signal);
    },
    async delete(key, signal) {
      await count('delete', key);
      await store.delete(key, signal);
    },
  };
}
