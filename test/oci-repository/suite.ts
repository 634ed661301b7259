/** What the suites of this kind share: a registry for the suite, a workbench for each test. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, afterEach, before, beforeEach } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { createReconciler } from '../../functions/oci-repository/reconcile.ts';
import { fluxArtifact } from '../../infra/local/registry/artifact.ts';
import { type LocalRegistry, startRegistry } from '../../infra/local/registry/registry.ts';
import {
  OCI_REPOSITORY,
  type OciRepository,
  type OciRepositorySpec,
} from '../../shared/api/oci-repository.ts';
import { artifactKey } from '../../shared/artifact/artifact-path.ts';
import { contentsIn } from '../../shared/artifact/test-layer.ts';
import type { KubeClient } from '../../shared/kube/client.ts';
import type { Outcome } from '../../shared/runtime/contract.ts';
import { assertKstatus } from '../workbench/kstatus.ts';
import {
  CLUSTER,
  openWorkbench,
  type RunOptions,
  type Workbench,
  type WorkbenchKind,
  type WorkbenchOptions,
} from '../workbench/workbench.ts';

export const OCI_REPOSITORY_BENCH: WorkbenchKind = { names: OCI_REPOSITORY, createReconciler };

/** What all URLs begin with. */
export const BASE = 'http://artifacts.test';

export const MANIFESTS = /\/manifests\//;
export const BLOBS = /\/blobs\//;
export const LISTING = /\/tags\/list/;

/** `requestedAt`. */
export const REQUESTED_AT = 'reconcile.fluxcd.io/requestedAt';

type Fields = Partial<OciRepositorySpec>;

/** Members can be read inside of tests and hooks. */
export interface Suite {
  readonly bench: Workbench<OciRepository>;
  readonly registry: LocalRegistry;
  /** Address of a repository on the registry of the suite. */
  url(repository?: string): string;
  /** Pushes files and answers with the digest of the manifest. */
  push(
    tag: string | string[],
    files: Record<string, string>,
    annotations?: Record<string, string>,
  ): Promise<string>;
  create(spec?: Fields): Promise<OciRepository>;
  /** Runs `web`, which must end well, and gives it as it is then. */
  run(options?: RunOptions): Promise<OciRepository>;
  /** Runs `web`, which must fail. */
  fail(options?: RunOptions): Promise<OciRepository>;
  outcome(): Outcome;
  read(): Promise<OciRepository>;
  /** The object as a first run leaves it, and nothing counted so far. */
  ready(spec?: Fields): Promise<OciRepository>;
  /** `Ready True Succeeded: stored …`, a line a condition, in their order. */
  conditions(): Promise<string[]>;
  /** `Normal NewArtifact`, in no order. */
  events(): Promise<string[]>;
  /** The files of the artifact that the status shows; what is stored is what the status says. */
  files(): Promise<Record<string, string>>;
  /** Content under a path below the base. */
  stored(path: string): Promise<Buffer | undefined>;
  forget(): void;
}

/** Declares the suite around the call: `team/app` has the tag `latest`. */
export function useSuite(
  server: { readonly kube: KubeClient },
  options: Omit<WorkbenchOptions, 'kube' | 'kind'> = {},
): Suite {
  let bench: Workbench<OciRepository>;
  let registry: LocalRegistry;
  let last: Outcome;
  before(async () => {
    registry = await startRegistry({ port: 0 });
  });
  after(() => registry?.close());
  beforeEach(async () => {
    await suite.push('latest', { 'deploy/app.yaml': 'kind: A\n', 'readme.md': 'hello\n' });
    const settings = { 'artifact-base-url': BASE, ...options.settings };
    bench = await openWorkbench({ kube: server.kube, kind: OCI_REPOSITORY_BENCH, ...options, settings });
    registry.requests.clear();
  });
  afterEach(async () => {
    registry.faults.clear();
    for (const tag of registry.tags('team/app')) await registry.deleteTag('team/app', tag);
    await bench.close();
  });

  const runAs = async (wanted: Outcome['result'], run: RunOptions = {}) => {
    last = await bench.run('web', run);
    assert.equal(last.result, wanted, JSON.stringify(last));
    const object = await suite.read();
    if (object.status?.conditions?.length && !object.spec.suspend) assertKstatus(object);
    return object;
  };

  const suite: Suite = {
    get bench() {
      return bench;
    },
    get registry() {
      return registry;
    },
    url: (repository = 'team/app') => `oci://${registry.host}/${repository}`,
    async push(tag, files, annotations) {
      return (await registry.push('team/app', tag, fluxArtifact(files, annotations))).digest;
    },
    create: (spec = {}) => bench.create('web', { url: suite.url(), interval: '10m', ...spec }),
    run: (run) => runAs('ok', run),
    fail: (run) => runAs('retry', run),
    outcome: () => last,
    async read() {
      const object = await bench.read('web');
      assert.ok(object, 'there is no object');
      return object;
    },
    async ready(spec = {}) {
      await suite.create(spec);
      const object = await suite.run();
      suite.forget();
      return object;
    },
    async conditions() {
      const { status } = await suite.read();
      return (status?.conditions ?? []).map(
        ({ type, status: value, reason, message }) => `${type} ${value} ${reason}: ${message}`,
      );
    },
    async events() {
      return (await bench.events('web')).map(({ type, reason, message }) => `${type} ${reason}: ${message}`);
    },
    async files() {
      const { artifact } = (await suite.read()).status!;
      const bytes = await suite.stored(artifact!.path);
      assert.ok(bytes, 'the file of the status is not stored');
      assert.equal(bytes.length, artifact!.size);
      assert.equal(`sha256:${createHash('sha256').update(bytes).digest('hex')}`, artifact!.digest);
      return contentsIn(gunzipSync(bytes));
    },
    async stored(path) {
      const found = await bench.store.get(artifactKey(CLUSTER, path));
      return await found?.bytes();
    },
    forget() {
      bench.forget();
      registry.requests.clear();
    },
  };
  return suite;
}
