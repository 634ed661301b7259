/** Removing what was made in Quay, when its object goes: Quay may be down for a while, and never keeps an object for ever. */
import type { KubeObject } from '../kube/resource.ts';
import type { Clock } from '../runtime/clock.ts';
import { QuayError } from './errors.ts';

/** For so long, from the deletion of the object on, Quay may be down before the object goes without it (Quay 11.1). */
const PATIENCE_MS = 10 * 60_000;

/**
 * Does one thing after the other, whatever becomes of each.
 * @returns what could not be done and never will be, by us
 * @throws QuayError as long as waiting may help
 */
export async function removeAll(
  object: KubeObject,
  clock: Clock,
  removals: readonly (() => Promise<void>)[],
): Promise<QuayError[]> {
  const given: QuayError[] = [];
  for (const remove of removals) {
    try {
      await remove();
    } catch (error) {
      if (!(error instanceof QuayError) || error.kind === 'aborted') throw error;
      if (error.kind !== 'refused' && ageOfDeletion(object, clock) < PATIENCE_MS) throw error;
      given.push(error);
    }
  }
  return given;
}

/** Milliseconds since somebody deleted the object. */
export function ageOfDeletion({ metadata }: KubeObject, clock: Clock): number {
  return clock.now() - Date.parse(metadata.deletionTimestamp ?? '');
}
