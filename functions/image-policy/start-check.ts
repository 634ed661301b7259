/** The one look that every policy gets after the start of the relay, to make up for a wake-up that was lost (decisions 5). */
import type { ImagePolicy } from '../../shared/api/image-policy.ts';
import { findCondition } from '../../shared/kube/conditions.ts';
import type { Run } from '../../shared/runtime/reconciler.ts';

/** The policy has an answer, and nobody asked for another one: it stands unless the stored tags say otherwise. */
export function isStartCheck({ request }: Pick<Run, 'request'>, { metadata, status }: ImagePolicy): boolean {
  return (
    request.trigger === 'resync' &&
    status?.observedGeneration === metadata.generation &&
    findCondition(status?.conditions, 'Ready')?.status === 'True'
  );
}
