/** What the suites of this kind share: a registry for the suite, a workbench for each test. */
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach } from 'node:test';
import { type LocalRegistry, startRegistry } from '../../infra/local/registry/registry.ts';
import type { ImageRepository, ImageRepositorySpec } from '../../shared/api/image-repository.ts';
import type { KubeClient } from '../../shared/kube/client.ts';
import type { Condition } from '../../shared/kube/resource.ts';
import { assertKstatus } from '../workbench/kstatus.ts';
import { openWorkbench, type Workbench, type WorkbenchOptions } from './workbench.ts';

/** Path of a listing, for the faults and the counts of a registry. */
export const LISTING = /\/tags\/list/;

export const REQUESTED_AT = 'reconcile.fluxcd.io/requestedAt';

/** Members can be read inside of tests and hooks. */
export interface Suite {
  readonly bench: Workbench;
  readonly registry: LocalRegistry;
  /** Name of an image on the registry of the suite. */
  image(repository?: string): string;
  /** The object as a first scan leaves it, and nothing counted so far. */
  scanned(spec?: Partial<ImageRepositorySpec>): Promise<ImageRepository>;
  /** The Ready condition of `web`, which must read well. */
  ready(): Promise<Condition>;
  /** Listings since the suite counts. */
  listings(): number;
  forget(): void;
}

/** Declares the suite around the call: repositories `team/app` with three tags, `team/other` with one. */
export function useSuite(
  server: { readonly kube: KubeClient },
  options: Omit<WorkbenchOptions, 'kube'> = {},
): Suite {
  let bench: Workbench;
  let registry: LocalRegistry;
  before(async () => {
    registry = await startRegistry({ port: 0 });
    await registry.push('team/app', ['latest', 'v0.0.1', 'v0.0.2']);
    await registry.push('team/other', ['1.0']);
  });
  after(() => registry?.close());
  beforeEach(async () => {
    bench = await openWorkbench({ kube: server.kube, ...options });
    registry.requests.clear();
  });
  afterEach(async () => {
    registry.faults.clear();
    await bench.close();
  });

  const suite: Suite = {
    get bench() {
      return bench;
    },
    get registry() {
      return registry;
    },
    image: (repository = 'team/app') => `${registry.host}/${repository}`,
    async scanned(spec = {}) {
      await bench.create('web', { image: suite.image(), ...spec });
      const outcome = await bench.run('web');
      assert.equal(outcome.result, 'ok', JSON.stringify(outcome));
      suite.forget();
      return (await bench.read('web'))!;
    },
    async ready() {
      const object = (await bench.read('web'))!;
      assertKstatus(object);
      return object.status!.conditions!.find(({ type }) => type === 'Ready')!;
    },
    listings: () => registry.requests.count('GET', LISTING),
    forget() {
      bench.forget();
      registry.requests.clear();
    },
  };
  return suite;
}
