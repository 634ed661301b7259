/** One function and one cluster on a table: objects go in, runs are made one by one, and everything is counted. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { KindNames } from '../../shared/api/kind.ts';
import type { KubeClient } from '../../shared/kube/client.ts';
import { EVENTS, type KubeObject, NAMESPACES, type Resource, SECRETS } from '../../shared/kube/resource.ts';
import { type Clock, systemClock } from '../../shared/runtime/clock.ts';
import type { Outcome, ReconcileRequest } from '../../shared/runtime/contract.ts';
import { createLogger } from '../../shared/runtime/logger.ts';
import { kindText, type Reconcile } from '../../shared/runtime/reconciler.ts';
import { runKey } from '../../shared/runtime/run-key.ts';
import { readSettings, type SettingName, type Settings } from '../../shared/runtime/settings.ts';
import { createDirectoryStore } from '../../shared/storage/directory.ts';
import type { ObjectStore } from '../../shared/storage/object-store.ts';

/** Id of the cluster where a test names none. */
export const CLUSTER = 'test';

/** The kind that lies on the table, and the function that serves it. */
export interface WorkbenchKind {
  names: KindNames;
  createReconciler(dependencies: { settings: Settings }): Reconcile;
}

/** One request to the API server, or one operation of the store. */
export interface Operation {
  verb: string;
  /** `imagerepositories/status`, `secrets`; a key of the store. */
  on: string;
}

/** Called before each operation; what one throws is the operation's answer. */
export interface Hooks {
  api?: (operation: Operation) => void | Promise<void>;
  store?: (operation: Operation) => void | Promise<void>;
}

/** A clock that a test moves; its timers run in real time, or faster. */
export interface MovableClock extends Clock {
  move(ms: number): void;
}

export interface WorkbenchOptions {
  kube: KubeClient;
  kind: WorkbenchKind;
  /** Id of the cluster. */
  cluster?: string;
  /** The namespace of another workbench; one of its own when left out. */
  namespace?: string;
  /** The clock of another workbench. */
  clock?: MovableClock;
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

export interface Workbench<T extends KubeObject> {
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
  hooks: Hooks;
  forget(): void;
  /** Requests that write. */
  writes(): Operation[];
  create(name: string, spec: T['spec'], metadata?: Record<string, unknown>): Promise<T>;
  edit(name: string, patch: Record<string, unknown>): Promise<void>;
  annotate(name: string, annotations: Record<string, string | null>): Promise<void>;
  remove(name: string): Promise<void>;
  secret(name: string, data: Record<string, string>, type?: string): Promise<void>;
  run(name: string, options?: RunOptions): Promise<Outcome>;
  read(name: string): Promise<T | undefined>;
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

export async function openWorkbench<T extends KubeObject>(options: WorkbenchOptions): Promise<Workbench<T>> {
  const folder = await mkdtemp(path.join(tmpdir(), 'longshore-bench-'));
  const { kube, cluster = CLUSTER } = options;
  const { names } = options.kind;
  const { group, kind, plural } = names;
  const resource: Resource = { group, kind, plural, version: options.version ?? 'v1', namespaced: true };
  const namespace = options.namespace ?? (await createNamespace(kube));
  const hooks: Hooks = {};
  const api: Operation[] = [];
  const stored: Operation[] = [];
  const log: string[] = [];
  const counted = countApi(kube, api, hooks);
  const store = countStore(options.store ?? createDirectoryStore(folder), stored, hooks);
  const clock = options.clock ?? movableClock(options.speed ?? 1);
  const settings = readSettings(
    'functions',
    [],
    {},
    { 'allow-loopback-addresses': 'true', ...options.settings },
  );
  const reconcilers = new Map([[kindText(names), options.kind.createReconciler({ settings })]]);
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
      kube.create<T>(
        resource,
        { namespace },
        {
          apiVersion: `${resource.group}/${resource.version}`,
          kind: resource.kind,
          metadata: { namespace, name, ...metadata },
          spec,
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
        group,
        kind,
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
    read: (name) => kube.get<T>(resource, { namespace, name }),
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

/** A namespace of its own for whoever asks. */
export async function createNamespace(kube: KubeClient, labels?: Record<string, string>): Promise<string> {
  const name = `bench-${process.pid}-${++namespaces}`;
  await kube.create(NAMESPACES, {}, { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } });
  return name;
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

function countApi(kube: KubeClient, operations: Operation[], hooks: Hooks): KubeClient {
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

function countStore(store: ObjectStore, operations: Operation[], hooks: Hooks): ObjectStore {
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
