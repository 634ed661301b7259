/** What all steps share: the cluster, and what the doctor has learnt of the installation. */
import type { KubeClient } from '../../../shared/kube/client.ts';
import { KubeError } from '../../../shared/kube/errors.ts';
import type { ClusterEndpoint, KubeTransport } from '../../../shared/kube/transport.ts';
import type { Clock } from '../../../shared/runtime/clock.ts';
import type { Finding } from './finding.ts';
import type { DoctorFlags } from './flags.ts';
import type { Installation } from './installation.ts';

export interface Visit {
  flags: DoctorFlags;
  clock: Clock;
  endpoint: ClusterEndpoint;
  transport: KubeTransport;
  kube: KubeClient;
  /** Milliseconds that the API server's clock is ahead of ours. */
  serverAheadMs: number;
  /** Undefined: the relay is not installed, or its flags cannot be read. */
  installation: Installation | undefined;
}

/** A step looks, and answers with what it found. What it throws is a failure of the step. */
export type Step = (visit: Visit, signal: AbortSignal) => Promise<Finding[]>;

export function isForbidden(error: unknown): boolean {
  return error instanceof KubeError && error.status === 403;
}
