/** Work that several runs need at the same time is done once. */
import { RegistryError } from './errors.ts';
import { stopped } from './http-exchange.ts';

/** Work under way, by key. */
export type Flights = Map<string, Promise<unknown>>;

/**
 * Gives what the work under way for `key` gives, or starts it. A failure is shared too, except when it was the other
 * run's own end: then the work starts anew.
 */
export async function shareFlight<T>(
  flights: Flights,
  key: string,
  work: () => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  for (let running = flights.get(key); running; running = flights.get(key)) {
    try {
      return (await untilAborted(running, signal)) as T;
    } catch (error) {
      if (signal.aborted || !wasStopped(error)) throw error;
    }
  }
  const own = work().finally(() => flights.delete(key));
  flights.set(key, own);
  return own;
}

function wasStopped(error: unknown): boolean {
  return (
    error instanceof RegistryError &&
    (error.code === 'aborted' || (error.code === 'timeout' && !error.transient))
  );
}

function untilAborted<T>(running: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(stopped('waiting for another run', signal));
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    running.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
