/** The batches that may be in flight at the same time, over all functions (design section 3). */

export interface Slots {
  /** False: all are taken, `onFree` tells when to ask again. */
  readonly available: boolean;
  take(): void;
  free(): void;
  /** `listener` is called when a slot becomes free. Listeners take turns in being first, so that nobody starves. */
  onFree(listener: () => void): void;
}

export function createSlots(count: number): Slots {
  let taken = 0;
  const listeners: (() => void)[] = [];
  return {
    get available() {
      return taken < count;
    },
    take() {
      taken += 1;
    },
    free() {
      taken -= 1;
      const first = listeners.shift();
      if (first) listeners.push(first);
      for (const listener of [...listeners]) listener();
    },
    onFree: (listener) => void listeners.push(listener),
  };
}
