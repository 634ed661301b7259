/** Timer runs that find nothing new, counted by what each of them leaves behind (design section 11). */
import { setTimeout as pause } from 'node:timers/promises';
import { createObjects, measure, type Scenario, withStage } from '../bench.ts';

const INTERVAL_S = 5;
const INTERVALS = 4;

export const quiet: Scenario = (bench) =>
  withStage(bench, 'quiet', async (stage) => {
    const objects = Math.min(bench.objects, 500);
    await Promise.all([createObjects(stage, objects, `${INTERVAL_S}s`), stage.observer.untilReady(objects)]);
    await pause(INTERVAL_S * 1000);
    const row = await measure('quiet', stage, async () => {
      const { kind, world } = bench;
      const count = async () =>
        kind.quietRunsAre === 'status writes' ? stage.observer.writes().status : world.registryRequests();
      const before = await count();
      await pause(INTERVALS * INTERVAL_S * 1000);
      return { runs: (await count()) - before };
    });
    return [{ ...row, objects }];
  });
