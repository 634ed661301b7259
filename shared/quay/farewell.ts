/** Removing what was made in Quay, when its object goes: Quay may be down for a while, and never keeps an object for ever. */
import type { KubeObject } from '../kube/resource.ts';
import type { Clock } from '../runtime/clock.ts';
import { messageOf } from '../runtime/errors.ts';
import type { Run } from '../runtime/reconciler.ts';
import type { Settings } from '../runtime/settings.ts';
import { QuayError } from './errors.ts';
import { tell } from './events.ts';

/** For so long, from the deletion of the object on, Quay may be down before the object goes without it (Quay 11.1). */
const PATIENCE_MS = 10 * 60_000;

/** For so long an operator may take to repair the token, where objects may go without it at all. */
const OPERATOR_MS = 24 * 60 * 60_000;

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
      if (!error.isRefusal && ageOfDeletion(object, clock) < PATIENCE_MS) throw error;
      given.push(error);
    }
  }
  return given;
}

/**
 * Opens what the removal needs. Undefined: there has been no usable token for a day, and the operator wants objects to go
 * then; `onGivenUp` tells of what stays.
 * @throws whatever `open` throws, until then
 */
export async function openOrGiveUp<T>(
  object: KubeObject,
  { run, settings }: { run: { clock: Clock }; settings: Pick<Settings, 'delete-without-registry'> },
  open: () => Promise<T>,
  onGivenUp: (error: QuayError) => Promise<void>,
): Promise<T | undefined> {
  try {
    return await open();
  } catch (error) {
    const isGivenUp = settings['delete-without-registry'] && ageOfDeletion(object, run.clock) >= OPERATOR_MS;
    if (!(error instanceof QuayError) || !isGivenUp) throw error;
    await onGivenUp(error);
    return undefined;
  }
}

/** What may stay in Quay, for whoever cleans up: a line in the log and an event. */
export async function reportOrphans(
  desk: { run: Run; report: { events: number } },
  object: KubeObject,
  { imageUrl, robots }: { imageUrl: string | undefined; robots: string[] },
  error: unknown,
): Promise<void> {
  const orphan = imageUrl || 'unknown';
  desk.run.log.error(`left behind in Quay: ${messageOf(error)}`, {
    action: 'DELETE',
    audit: 'true',
    orphan,
    robots,
  });
  await tell(desk, object, 'Orphaned', `deleted without Quay: ${orphan} and its robots may still exist`);
}

/** Milliseconds since somebody deleted the object. */
function ageOfDeletion({ metadata }: KubeObject, clock: Clock): number {
  return clock.now() - Date.parse(metadata.deletionTimestamp ?? '');
}
