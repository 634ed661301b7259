/** What the scenarios share: the world they run in, and how a stretch of work is measured. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { apiVersionOf, NAMESPACES } from '../../shared/kube/resource.ts';
import { type Figures, percentiles, round } from './figures.ts';
import { BENCH_KINDS, type BenchKind } from './kinds.ts';
import { type Observer, observe } from './observer.ts';
import { type Product, startProduct } from './product.ts';
import type { World } from './world.ts';

const CREATED_AT_ONCE = 32;

export interface Bench {
  world: World;
  kindName: string;
  kind: BenchKind;
  /** How many objects a scenario creates. */
  objects: number;
}

/** A scenario gives back one row of figures, or several where it looks at more than one case. */
export type Scenario = (bench: Bench) => Promise<Figures[]>;

/** A namespace of its own with a product that serves only it; everything is gone afterwards. */
export async function withStage<T>(
  bench: Bench,
  name: string,
  work: (stage: Stage) => Promise<T>,
): Promise<T> {
  const namespace = `bench-${name}`;
  const data = await mkdtemp(join(tmpdir(), 'longshore-bench-'));
  const { kube } = bench.world;
  await kube.create(NAMESPACES, {}, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  const observer = await observe(bench.world, bench.kind.resource, namespace);
  const start = (folder: string = data) =>
    startProduct({
      kubeconfig: bench.world.kubeconfig,
      data: folder,
      args: [`--namespace=${namespace}`, `--cluster-id=bench`],
    });
  const stage: Stage = { bench, namespace, observer, data, start, product: await start() };
  try {
    return await work(stage);
  } finally {
    await removeAll(stage);
    observer.stop();
    await stage.product.stop();
    await rm(data, { recursive: true });
  }
}

export interface Stage {
  bench: Bench;
  namespace: string;
  observer: Observer;
  data: string;
  product: Product;
  /** Starts the product again, over the same or another data folder. */
  start(folder?: string): Promise<Product>;
}

export function nameOf(index: number): string {
  return `object-${String(index).padStart(5, '0')}`;
}

/** Creates objects 0 to `count` - 1, a few at a time, and answers when the API server has all of them. */
export async function createObjects(
  { bench, namespace }: Stage,
  count: number,
  interval: string,
): Promise<void> {
  const { registry } = bench.world;
  const { spec, needs } = bench.kind;
  for (const one of needs?.(registry) ?? []) await createObject(bench, namespace, one);
  let next = 0;
  const createSome = async () => {
    for (let index = next++; index < count; index = next++) {
      const object = { kind: bench.kind, name: nameOf(index), spec: spec(index, registry, interval) };
      await createObject(bench, namespace, object);
    }
  };
  await Promise.all(Array.from({ length: CREATED_AT_ONCE }, createSome));
}

/** Creates one object. */
export async function createObject(
  { world: { kube } }: Bench,
  namespace: string,
  { kind: { resource }, name, spec }: { kind: BenchKind; name: string; spec: Record<string, unknown> },
): Promise<void> {
  const apiVersion = apiVersionOf(resource);
  await kube.create(
    resource,
    { namespace },
    { apiVersion, kind: resource.kind, metadata: { name, namespace }, spec },
  );
}

async function removeAll({ bench, namespace }: Stage): Promise<void> {
  const { kube } = bench.world;
  for (const { resource } of Object.values(BENCH_KINDS)) {
    const { items } = await kube.list(resource, { namespace });
    for (const object of items) {
      const ref = { namespace, name: object.metadata.name };
      await kube.patch(resource, ref, { metadata: { finalizers: null } });
      await kube.delete(resource, ref);
    }
  }
}

/** Takes the figures of `work`, which says how many runs it saw and how long each took. */
export async function measure(
  scenario: string,
  stage: Stage,
  work: () => Promise<{ runs: number; latencies?: number[] }>,
): Promise<Figures> {
  const { bench, observer, product } = stage;
  const before = {
    cpu: product.cpuMs(),
    requests: await bench.world.registryRequests(),
    ...observer.writes(),
  };
  const started = performance.now();
  const { runs, latencies } = await work();
  const seconds = (performance.now() - started) / 1000;
  const cpu = product.cpuMs() - before.cpu;
  const requests = (await bench.world.registryRequests()) - before.requests;
  const writes = observer.writes();
  const perRun = (value: number) => round(value / Math.max(1, runs));
  return {
    scenario,
    kind: bench.kindName,
    objects: bench.objects,
    runs,
    seconds: round(seconds),
    runsPerSecond: round(runs / seconds),
    cpuMsPerRun: perRun(cpu),
    statusWritesPerRun: perRun(writes.status - before.status),
    objectWritesPerRun: perRun(writes.object - before.object),
    eventWritesPerRun: perRun(writes.events - before.events),
    registryRequestsPerRun: perRun(requests),
    ...(latencies && { latencyMs: percentiles(latencies) }),
    rssMiB: product.rssMiB(),
  };
}
