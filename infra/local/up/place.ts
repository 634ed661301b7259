/** What `longshore up` runs on: the demo (`demo.ts`) or a cluster that exists (`existing-cluster.ts`). */
import type { Clock } from '../../../shared/runtime/clock.ts';
import type { Settings } from '../../../shared/runtime/settings.ts';
import type { UpFlags } from './flags.ts';
import type { Cluster } from './serve.ts';
import type { Stops } from './stops.ts';

export interface Place {
  cluster: Cluster;
  /** Folder of the object store. */
  store: string;
  /** File for log lines where the screen belongs to the table. */
  log: string;
  /** What to do next, for the moment when everything is Ready. */
  hints: string;
}

export interface PlaceOptions {
  flags: UpFlags;
  settings: Settings;
  clock: Clock;
  /** Tells what goes on, one line at a time. */
  tell(line: string): void;
  /** Gets what must be stopped at the end, also when the start fails. */
  stops: Stops;
}
