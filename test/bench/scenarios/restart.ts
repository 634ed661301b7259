/** A restart with N objects of which none is due, with the data folder kept and with a new one; and the time to watch again. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createObjects, measure, type Scenario, withStage } from '../bench.ts';

const WATCHED_FOR_MS = 5000;

export const restart: Scenario = (bench) =>
  withStage(bench, 'restart', async (stage) => {
    await Promise.all([createObjects(stage, bench.objects, '1h'), stage.observer.untilReady(bench.objects)]);
    const fresh = await mkdtemp(join(tmpdir(), 'longshore-bench-'));
    const rows = [];
    for (const [name, folder] of [
      ['restart', stage.data],
      ['restart, new folder', fresh],
    ] as const) {
      await stage.product.stop();
      stage.product = await stage.start(folder);
      const started = stage.product.startMs;
      const row = await measure(name, stage, async () => {
        await pause(WATCHED_FOR_MS);
        return { runs: bench.objects };
      });
      rows.push({ ...row, latencyMs: { p50: started, p95: started, max: started } });
    }
    await rm(fresh, { recursive: true });
    return rows;
  });
