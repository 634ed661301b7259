/** One edit after the other: from the moment the patch is sent until a watcher sees Ready for the new generation. */
import { createObjects, measure, nameOf, type Scenario, withStage } from '../bench.ts';
import { isReady } from '../observer.ts';

const EDITS = 300;
const OBJECTS = 50;

export const edit: Scenario = (bench) =>
  withStage(bench, 'edit', async (stage) => {
    const { observer, namespace } = stage;
    await Promise.all([createObjects(stage, OBJECTS, '1h'), observer.untilReady(OBJECTS)]);
    const row = await measure('edit', stage, async () => {
      const latencies: number[] = [];
      for (let round = 0; round < EDITS; round++) {
        const name = nameOf(round % OBJECTS);
        const generation = 2 + Math.floor(round / OBJECTS);
        const done = observer.until(
          name,
          (object) => object.metadata.generation === generation && isReady(object),
        );
        const started = performance.now();
        await bench.world.kube.patch(
          bench.kind.resource,
          { namespace, name },
          { spec: bench.kind.edit(round) },
        );
        latencies.push((await done) - started);
      }
      return { runs: EDITS, latencies };
    });
    return [{ ...row, objects: OBJECTS }];
  });
