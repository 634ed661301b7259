/** What the suites of the Quay functions share: a Quay for the suite; a workbench, a token and a namespace for each test. */
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe } from 'node:test';
import { createReconciler } from '../../functions/quay-repository/reconcile.ts';
import { LOCAL_ORGANIZATION, LOCAL_TOKEN, type LocalQuay, startQuay } from '../../infra/local/quay/quay.ts';
import type { Organization } from '../../infra/local/quay/state.ts';
import { COMPONENT, type Component, type ComponentSpec } from '../../shared/api/component.ts';
import {
  APPLICATION_LABEL,
  COMPONENT_LABEL,
  QUAY_IMAGE_REPOSITORY,
  type QuayImageRepository,
  type QuayImageRepositorySpec,
  type QuayImageRepositoryStatus,
} from '../../shared/api/quay-image-repository.ts';
import type { KubeClient } from '../../shared/kube/client.ts';
import {
  type KubeObject,
  type Resource,
  SECRETS,
  SERVICE_ACCOUNTS,
  type Secret,
  type ServiceAccount,
} from '../../shared/kube/resource.ts';
import { type OpenQuay, openQuay } from '../../shared/quay/client.ts';
import { QUAY_TOKEN_SECRET } from '../../shared/quay/token-secret.ts';
import type { Clock } from '../../shared/runtime/clock.ts';
import type { Outcome } from '../../shared/runtime/contract.ts';
import type { Reconcile } from '../../shared/runtime/reconciler.ts';
import type { SettingName, Settings } from '../../shared/runtime/settings.ts';
import type { StartServer } from '../parts/api-server.ts';
import { useApiServer } from '../parts/api-server.ts';
import { startEmbedded } from '../parts/api-servers.ts';
import { needs } from '../parts/parts.ts';
import {
  openWorkbench,
  type RunOptions,
  type Workbench,
  type WorkbenchKind,
} from '../workbench/workbench.ts';
import { type Crash, createCrash } from './crash.ts';
import { quickPace } from './quay-world.ts';

export const ORG = LOCAL_ORGANIZATION;
export const COMPONENTS: Resource = {
  group: COMPONENT.group,
  kind: COMPONENT.kind,
  plural: COMPONENT.plural,
  version: 'v1alpha1',
  namespaced: true,
};
export const PROVISIONED = QUAY_IMAGE_REPOSITORY.finalizer;

/** A log line, an event, a status or an error that shows this has shown a credential. */
export const CANARY = LOCAL_TOKEN;

type Status = QuayImageRepositoryStatus & { credentials: Record<string, string> };

export interface QuaySuite {
  readonly bench: Workbench<QuayImageRepository>;
  readonly quay: LocalQuay;
  readonly namespace: string;
  /** The organization as it is now. */
  org(): Organization;
  /** `host/organization/namespace/<name>`. */
  url(name: string): string;
  /** Puts the token Secret where the function looks for it; with undefined, takes it away. */
  token(data: Record<string, string> | undefined): Promise<void>;
  create(
    name: string,
    spec?: QuayImageRepositorySpec,
    metadata?: Record<string, unknown>,
  ): Promise<QuayImageRepository>;
  /** A merge patch of the status, as a person can make one who may. */
  status(name: string, patch: object | null): Promise<void>;
  /** The labels that link an object to a Component. */
  linked(component?: string, application?: string): { labels: Record<string, string> };
  component(name: string, spec?: ComponentSpec, metadata?: Record<string, unknown>): Promise<Component>;
  readComponent(name: string): Promise<Component | undefined>;
  account(name: string, lists?: { secrets?: string[]; imagePullSecrets?: string[] }): Promise<void>;
  /** Names in the two lists of a service account. */
  links(name: string): Promise<{ secrets: string[]; imagePullSecrets: string[] }>;
  secret(name: string): Promise<Secret | undefined>;
  /** User and token that a Secret holds for an image URL. */
  login(secret: string, url: string): Promise<{ username: string; token: string }>;
  run(name: string, options?: RunOptions & { crashAfter?: number }): Promise<Outcome>;
  /** The calls of the last run, to Quay and to the API server. */
  readonly calls: readonly string[];
  /** Whether the last run died. */
  readonly crashed: boolean;
  /** Runs, must end well, and gives the object. */
  settled(name: string, options?: RunOptions): Promise<QuayImageRepository & { status: Status }>;
  read(name: string): Promise<QuayImageRepository & { status: Status }>;
  /** An object `any` that has what it asks for, and nothing remembered of how it came to it. */
  provisioned(
    spec?: QuayImageRepositorySpec,
    metadata?: Record<string, unknown>,
  ): Promise<QuayImageRepository & { status: Status }>;
  /** The same of the Component `my-component`. */
  provisionedComponent(): Promise<QuayImageRepository & { status: Status }>;
  /** Calls that Quay got since the last `forget`, such as `POST /repository`. */
  asked(): string[];
  forget(): void;
}

export interface SuiteOptions {
  settings?: Partial<Record<SettingName, string>>;
  /** The function on the table; that of ImageRepositories when left out. */
  kind?: QuayFunction;
}

export interface QuayFunction {
  names: WorkbenchKind['names'];
  createReconciler(dependencies: { settings: Settings; openQuay: OpenQuay }): Reconcile;
}

const IMAGE_REPOSITORIES: QuayFunction = { names: QUAY_IMAGE_REPOSITORY, createReconciler };

/** Declares the tests once for each API server. */
export function onBothServers(
  title: string,
  define: (suite: QuaySuite) => void,
  options: SuiteOptions & { embedded?: StartServer; real?: StartServer } = {},
): void {
  describe(`${title}: embedded control plane`, () =>
    define(useQuaySuite(useApiServer(options.embedded ?? startEmbedded), options)));
  describe(`${title}: kube-apiserver`, needs('kube-apiserver', 'etcd'), () =>
    define(useQuaySuite(useApiServer(options.real), options)),
  );
}

/** The client's pauses cost a test next to nothing; what it waits for an answer is long enough for a busy machine. */
function hurried({ now, after: wait }: Clock): Clock {
  return { now, after: (ms, callback) => wait(ms > 10_000 ? ms / 4 : ms / 50, callback) };
}

let suites = 0;

export function useQuaySuite(server: { readonly kube: KubeClient }, options: SuiteOptions = {}): QuaySuite {
  const cluster = `quay-${++suites}`;
  let bench: Workbench<QuayImageRepository>;
  let quay: LocalQuay;
  let crash: Crash = createCrash(0);
  let running = false;

  before(async () => {
    quay = await startQuay({ port: 0 });
  });
  after(() => quay?.close());
  beforeEach(async () => {
    quay.reset();
    crash = createCrash(0);
    const { names, createReconciler: create } = options.kind ?? IMAGE_REPOSITORIES;
    const openQuickly: OpenQuay = (access, given) =>
      crash.wrap(openQuay(access, { ...given, clock: hurried(given.clock), pace: quickPace(given.clock) }));
    bench = await openWorkbench({
      kube: guarded(server.kube),
      kind: { names, createReconciler: ({ settings }) => create({ settings, openQuay: openQuickly }) },
      cluster,
      version: 'v1alpha1',
      settings: options.settings,
    });
    await suite.token({ organization: ORG, quaytoken: LOCAL_TOKEN, quayapiurl: quay.apiUrl });
  });
  afterEach(() => bench?.close());

  /** The token Secret has a fixed place, and test files share a server: each test finds it in its own namespace. */
  function guarded(kube: KubeClient): KubeClient {
    return new Proxy(kube, {
      get(target, name: keyof KubeClient) {
        const client = running ? crash.wrap(target) : target;
        if (name !== 'get') return client[name].bind(client);
        const get: KubeClient['get'] = (resource, ref, signal) => {
          const isToken =
            ref.namespace === QUAY_TOKEN_SECRET.namespace && ref.name === QUAY_TOKEN_SECRET.name;
          return client.get(resource, isToken ? { ...ref, namespace: suite.namespace } : ref, signal);
        };
        return get;
      },
    });
  }

  const ref = (name: string) => ({ namespace: bench.namespace, name });
  const named = (names: string[] = []) => names.map((name) => ({ name }));

  const suite: QuaySuite = {
    get bench() {
      return bench;
    },
    get quay() {
      return quay;
    },
    get namespace() {
      return bench.namespace;
    },
    get calls() {
      return crash.calls;
    },
    get crashed() {
      return crash.crashed;
    },
    org: () => quay.state.organizations[ORG]!,
    url: (name) => `${quay.host}/${ORG}/${bench.namespace}/${name}`,
    async token(data) {
      await bench.kube.delete(SECRETS, ref(QUAY_TOKEN_SECRET.name));
      if (data) await bench.secret(QUAY_TOKEN_SECRET.name, data);
    },
    create: (name, spec, metadata) => bench.create(name, spec, metadata),
    async status(name, status) {
      const { kube, resource } = bench;
      await kube.patch(resource, { ...ref(name), subresource: 'status' }, { status });
    },
    linked: (component = 'my-component', application = 'my-app') => ({
      labels: { [COMPONENT_LABEL]: component, [APPLICATION_LABEL]: application },
    }),
    component: (name, spec = { application: 'my-app', componentName: name }, metadata = {}) =>
      bench.kube.create<Component>(
        COMPONENTS,
        { namespace: bench.namespace },
        {
          apiVersion: `${COMPONENTS.group}/${COMPONENTS.version}`,
          kind: COMPONENTS.kind,
          metadata: { name, ...metadata },
          spec,
        },
      ),
    readComponent: (name) => bench.kube.get<Component>(COMPONENTS, ref(name)),
    async account(name, { secrets, imagePullSecrets } = {}) {
      const lists = { secrets: named(secrets), imagePullSecrets: named(imagePullSecrets) };
      const existing = await bench.kube.get(SERVICE_ACCOUNTS, ref(name));
      if (existing) await bench.kube.patch(SERVICE_ACCOUNTS, ref(name), lists);
      else {
        const body = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name }, ...lists };
        await bench.kube.create(SERVICE_ACCOUNTS, { namespace: bench.namespace }, body);
      }
    },
    async links(name) {
      const account = await bench.kube.get<ServiceAccount>(SERVICE_ACCOUNTS, ref(name));
      const names = (list: { name: string }[] = []) => list.map((entry) => entry.name);
      return { secrets: names(account?.secrets), imagePullSecrets: names(account?.imagePullSecrets) };
    },
    secret: (name) => bench.kube.get<Secret>(SECRETS, ref(name)),
    async login(secret, url) {
      const stored = await suite.secret(secret);
      assert.ok(stored, `no Secret ${secret}`);
      const text = Buffer.from(stored.data?.['.dockerconfigjson'] ?? '', 'base64').toString();
      const content = JSON.parse(text) as { auths: Record<string, { auth: string }> };
      assert.deepEqual(Object.keys(content), ['auths']);
      assert.deepEqual(Object.keys(content.auths), [url]);
      assert.deepEqual(Object.keys(content.auths[url]!), ['auth']);
      const [username = '', token = ''] = Buffer.from(content.auths[url]!.auth, 'base64')
        .toString()
        .split(':');
      return { username, token };
    },
    async run(name, { crashAfter = 0, ...run } = {}) {
      crash = createCrash(crashAfter);
      running = true;
      try {
        return await bench.run(name, run);
      } finally {
        running = false;
      }
    },
    async settled(name, run) {
      const outcome = await suite.run(name, run);
      assert.equal(outcome.result, 'ok', JSON.stringify(outcome));
      return await suite.read(name);
    },
    async read(name) {
      const object = await bench.read(name);
      assert.ok(object, `${name} is gone`);
      return object as QuayImageRepository & { status: Status };
    },
    asked: () => quay.requests.records.map(({ method, path }) => `${method} ${path.slice('/api/v1'.length)}`),
    async provisioned(spec = {}, metadata = undefined) {
      await suite.create('any', spec, metadata);
      const object = await suite.settled('any');
      suite.forget();
      return object;
    },
    async provisionedComponent() {
      await suite.component('my-component');
      return await suite.provisioned({}, suite.linked());
    },
    forget() {
      quay.requests.clear();
      bench.forget();
    },
  };
  return suite;
}

/** Types of an object's conditions that hold, with their reasons: `Ready=True Provisioned`. */
export function conditionsOf(object: KubeObject): string[] {
  const { conditions = [] } = (object.status ?? {}) as {
    conditions?: { type: string; status: string; reason: string }[];
  };
  return conditions.map(({ type, status, reason }) => `${type}=${status} ${reason}`);
}
