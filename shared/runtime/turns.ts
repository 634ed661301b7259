/** Long loops give way: other objects of the process, and its timers, get their turn now and then. */
import { setImmediate as nextTurn } from 'node:timers/promises';

/** Steps between two looks at the clock. */
const STEPS_PER_LOOK = 256;
const TURN_MS = 20;

/**
 * Goes through a list in turns of about 20 ms.
 * @throws the reason of the signal, between two turns
 */
export async function forEachInTurns<T>(
  list: readonly T[],
  step: (item: T) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  let turnStarted = performance.now();
  for (let start = 0; start < list.length; start += STEPS_PER_LOOK) {
    if (start > 0 && performance.now() - turnStarted > TURN_MS) {
      await nextTurn();
      signal?.throwIfAborted();
      turnStarted = performance.now();
    }
    const end = Math.min(list.length, start + STEPS_PER_LOOK);
    for (let index = start; index < end; index++) step(list[index]!);
  }
}
