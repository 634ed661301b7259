/** N new objects until all are Ready, counted from the first create. */
import { createObjects, measure, type Scenario, withStage } from '../bench.ts';

export const burst: Scenario = (bench) =>
  withStage(bench, 'burst', async (stage) => [
    await measure('burst', stage, async () => {
      await Promise.all([
        createObjects(stage, bench.objects, '1h'),
        stage.observer.untilReady(bench.objects),
      ]);
      return { runs: bench.objects };
    }),
  ]);
