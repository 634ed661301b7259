/** Kubernetes events of this kind (spec 15). */
import type { QuayImageRepository } from '../../shared/api/quay-image-repository.ts';
import { recordEvent } from '../../shared/kube/events.ts';
import type { KubeObject } from '../../shared/kube/resource.ts';
import type { Desk } from './site.ts';

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
  { run, report }: Pick<Desk, 'run' | 'report'>,
  object: QuayImageRepository | KubeObject,
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
