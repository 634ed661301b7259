/** An object whose Component does not exist yet (spec 12.1). */
import type { QuayImageRepository } from '../../shared/api/quay-image-repository.ts';
import type { RunResult } from '../../shared/runtime/reconciler.ts';
import { MESSAGE } from './reasons.ts';
import type { Desk } from './site.ts';
import { writeStatus } from './writes.ts';

const YOUNG_MS = 2 * 60_000;
const OLD_MS = 60 * 60_000;
const SOON_MS = 5000;
const LATER_MS = 60_000;

/**
 * Says that the Component is missing, and waits: soon, then slowly, then for the Component alone. The relay wakes the
 * object as soon as the Component appears, so the timers are only a net below it.
 */
export async function waitForComponent(
  desk: Desk,
  object: QuayImageRepository,
  component: string,
): Promise<RunResult> {
  const message = MESSAGE.noComponent(component);
  const age = desk.run.clock.now() - Date.parse(object.metadata.creationTimestamp ?? '');
  const known = object.status?.message === message;
  if (known && age >= YOUNG_MS && age < OLD_MS && !object.status?.state) {
    await writeStatus(desk, object, { state: 'waiting' });
  } else await writeStatus(desk, object, { message });
  if (!known || age < YOUNG_MS) return { result: 'ok', requeueAfterMs: SOON_MS };
  return { result: 'ok', ...(age < OLD_MS && { requeueAfterMs: LATER_MS }) };
}
