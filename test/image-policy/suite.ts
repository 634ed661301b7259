/** What the suites of this kind share: a registry for the suite, and for each test a repository's function beside a policy's. */
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach } from 'node:test';
import { createReconciler } from '../../functions/image-policy/reconcile.ts';
import { type LocalRegistry, startRegistry } from '../../infra/local/registry/registry.ts';
import { IMAGE_POLICY, type ImagePolicy, type ImagePolicySpec } from '../../shared/api/image-policy.ts';
import type { ImageRepositorySpec } from '../../shared/api/image-repository.ts';
import type { KubeClient } from '../../shared/kube/client.ts';
import type { Condition } from '../../shared/kube/resource.ts';
import type { Outcome } from '../../shared/runtime/contract.ts';
import { openWorkbench as openScans, type Workbench as Scans } from '../image-repository/workbench.ts';
import { assertKstatus } from '../workbench/kstatus.ts';
import {
  openWorkbench,
  type RunOptions,
  type Workbench,
  type WorkbenchOptions,
} from '../workbench/workbench.ts';

export type Policies = Workbench<ImagePolicy>;

const KIND = { names: IMAGE_POLICY, createReconciler };

/** Path of a manifest, for the faults and the counts of a registry. */
export const MANIFEST = /\/manifests\//;

/** The newest release. */
export const NEWEST: ImagePolicySpec = {
  imageRepositoryRef: { name: 'web' },
  policy: { semver: { range: '*' } },
};

/** Members can be read inside of tests and hooks. */
export interface Suite {
  readonly scans: Scans;
  readonly policies: Policies;
  readonly registry: LocalRegistry;
  /** Name of an image on the registry of the suite. */
  image(repository?: string): string;
  /** The repository `web`, scanned; nothing counted so far. */
  scanned(spec?: Partial<ImageRepositorySpec>): Promise<void>;
  /** A policy as its first run leaves it. */
  chosen(spec?: Partial<ImagePolicySpec>, name?: string): Promise<ImagePolicy>;
  /** A run of a policy, and the policy after it, which must read well. */
  run(
    name?: string,
    options?: RunOptions,
  ): Promise<{ outcome: Outcome; object: ImagePolicy; ready: Condition }>;
  /** Looks at digests since the suite counts. */
  lookUps(): number;
  forget(): void;
}

/** Declares the suite around the call: the repository `team/app` with three releases and `latest`. */
export function useSuite(
  server: { readonly kube: KubeClient },
  options: Partial<Omit<WorkbenchOptions, 'kube' | 'kind'>> = {},
): Suite {
  let scans: Scans;
  let policies: Policies;
  let registry: LocalRegistry;
  before(async () => {
    registry = await startRegistry({ port: 0 });
  });
  after(() => registry?.close());
  beforeEach(async () => {
    await registry.push('team/app', ['latest', '1.0.0', '1.1.0', '2.0.0']);
    scans = await openScans({ kube: server.kube, ...options });
    policies = await openBeside(server.kube, scans, options);
    registry.requests.clear();
  });
  afterEach(async () => {
    registry.faults.clear();
    for (const tag of registry.tags('team/app')) await registry.deleteTag('team/app', tag);
    await policies.close();
    await scans.close();
  });

  const suite: Suite = {
    get scans() {
      return scans;
    },
    get policies() {
      return policies;
    },
    get registry() {
      return registry;
    },
    image: (repository = 'team/app') => `${registry.host}/${repository}`,
    async scanned(spec = {}) {
      await scans.create('web', { image: suite.image(), ...spec });
      const outcome = await scans.run('web');
      assert.equal(outcome.result, 'ok', JSON.stringify(outcome));
      suite.forget();
    },
    async chosen(spec = {}, name = 'newest') {
      await policies.create(name, { ...NEWEST, ...spec });
      return (await suite.run(name)).object;
    },
    async run(name = 'newest', run = {}) {
      const outcome = await policies.run(name, run);
      const object = (await policies.read(name))!;
      assertKstatus(object);
      return { outcome, object, ready: object.status!.conditions!.find(({ type }) => type === 'Ready')! };
    },
    lookUps: () => registry.requests.count('HEAD', MANIFEST) + registry.requests.count('GET', MANIFEST),
    forget() {
      scans.forget();
      policies.forget();
      registry.requests.clear();
    },
  };
  return suite;
}

/** The function of policies beside that of repositories: one clock, one store, and by default one namespace. */
export function openBeside(
  kube: KubeClient,
  scans: Scans,
  options: Partial<Omit<WorkbenchOptions, 'kube' | 'kind'>> = {},
): Promise<Policies> {
  const { namespace, store, clock } = scans;
  return openWorkbench<ImagePolicy>({ kube, kind: KIND, namespace, store, clock, ...options });
}
