/** Kubernetes events about what happened in Quay (Quay 15). */
import { recordEvent } from '../kube/events.ts';
import type { KubeObject } from '../kube/resource.ts';
import type { Run } from '../runtime/reconciler.ts';

/** `source.component` that people's filters know (decisions 6). */
const COMPONENT = 'image-controller';

const TYPES = {
  Provisioned: 'Normal',
  ProvisionFailed: 'Warning',
  VisibilityChanged: 'Normal',
  PlanLimit: 'Warning',
  TokenRotated: 'Normal',
  LinksVerified: 'Normal',
  Orphaned: 'Warning',
} as const;

/** Tells what happened to an object. An event that cannot be written is logged and fails nothing. */
export async function tell(
  { run, report }: { run: Run; report: { events: number } },
  object: KubeObject,
  reason: keyof typeof TYPES,
  message: string,
): Promise<void> {
  const { kube, clock, signal, log } = run;
  const event = { type: TYPES[reason], reason, message, component: COMPONENT };
  try {
    if (await recordEvent({ kube, clock, object, ...event }, signal)) report.events++;
  } catch (error) {
    log.error('the event could not be written', { error });
  }
}
