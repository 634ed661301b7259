/**
 * A tag is pushed to a repository of 10,000: from the request for a scan until a watcher sees all five policies show it.
 * Runs are pushes; the CPU is that of the scan and of all policies together (design section 11).
 */
import { pushTags } from '../../parts/push-tags.ts';
import { type Bench, createObject, measure, type Scenario, type Stage, withStage } from '../bench.ts';
import { BENCH_KINDS } from '../kinds.ts';
import { type Observer, observe } from '../observer.ts';

const TAGS = 10_000;
const PUSHES = 40;
/** The first ones warm up what runs ten thousand times a push. */
const WARM_UP = 10;
const REPOSITORY = 'bench/tags';
const NAME = 'tags';

/** One a policy. */
const RANGES = ['*', '1.x', '~1.0', '>=1.0.0 <2.0.0', '^1.0.0'];

const SCANS = BENCH_KINDS.imagerepository!;
const POLICIES = BENCH_KINDS.imagepolicy!;

export const tags: Scenario = (bench) =>
  withStage({ ...bench, kindName: 'imagepolicy', kind: POLICIES }, 'tags', async (stage) => {
    const names = RANGES.map((_, index) => `policy-${index}`);
    const registry = `http://${bench.world.registry}`;
    await pushTags(
      registry,
      REPOSITORY,
      Array.from({ length: TAGS }, (_, index) => `1.0.${index}`),
    );
    await createScanAndPolicies(bench, stage.namespace, names);
    await stage.observer.untilReady(names.length);
    let pushed = TAGS;
    const push = async () => {
      const tag = `1.0.${pushed++}`;
      await pushTags(registry, REPOSITORY, [tag]);
      return await untilShown(stage, names, tag);
    };
    for (let round = 0; round < WARM_UP; round++) await push();
    const row = await measure('tags', stage, async () => {
      const latencies: number[] = [];
      for (let round = 0; round < PUSHES; round++) latencies.push(await push());
      return { runs: PUSHES, latencies };
    });
    return [{ ...row, objects: names.length }];
  });

/** Milliseconds from the request for a scan until the last of the policies shows the tag. */
async function untilShown(
  { bench, namespace, observer }: Stage,
  names: string[],
  tag: string,
): Promise<number> {
  const shown = names.map((name) => untilLatest(observer, name, tag));
  const started = performance.now();
  const annotations = { 'reconcile.fluxcd.io/requestedAt': tag };
  await bench.world.kube.patch(SCANS.resource, { namespace, name: NAME }, { metadata: { annotations } });
  return Math.max(...(await Promise.all(shown))) - started;
}

function untilLatest(observer: Observer, name: string, tag: string): Promise<number> {
  return observer.until(name, ({ status }) => {
    return (status as { latestRef?: { tag: string } } | undefined)?.latestRef?.tag === tag;
  });
}

async function createScanAndPolicies(bench: Bench, namespace: string, names: string[]): Promise<void> {
  const { world } = bench;
  // The policies find a list of tags when they come: what is measured is a change of it.
  const scans = await observe(world, SCANS.resource, namespace);
  const spec = { image: `${world.registry}/${REPOSITORY}`, interval: '1h', timeout: '60s' };
  await createObject(bench, namespace, { kind: SCANS, name: NAME, spec });
  await scans.untilReady(1);
  scans.stop();
  for (const [index, name] of names.entries()) {
    const spec = { imageRepositoryRef: { name: NAME }, policy: { semver: { range: RANGES[index] } } };
    await createObject(bench, namespace, { kind: POLICIES, name, spec });
  }
}
