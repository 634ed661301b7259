/** What a function finds around it: the same reconcilers run in Lambda, in the relay's process and in tests (design 1.6). */
import type { KubeClient } from '../kube/client.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { Clock } from './clock.ts';
import type { ClusterAccess } from './contract.ts';
import type { Logger } from './logger.ts';

export interface FunctionEnvironment {
  /** A client for the cluster of a batch; the same access gets the same connections. */
  connect(access: ClusterAccess): KubeClient | Promise<KubeClient>;
  store: ObjectStore;
  clock: Clock;
  log: Logger;
  /** Write a line for each failed run. False where the relay's line stands in the same log. */
  logFailures: boolean;
}
