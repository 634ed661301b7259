/** How long a key that failed waits (decisions 13, IR-REC-20): in the relay's memory, never in the object. */

export interface BackOff {
  /** Counts a failure. Answers the wait in milliseconds: first · 2ⁿ for the n-th failure in a row from 0, at most `cap`. */
  failed(key: string): number;
  /** Failures in a row so far. */
  attempts(key: string): number;
  /** Success, a stall, or the end of the object: the next failure is a first one. */
  reset(key: string): void;
}

/** @param firstMs wait after the first failure; @param capMs longest wait */
export function createBackOff(firstMs = 750, capMs = 15 * 60_000): BackOff {
  const failures = new Map<string, number>();
  return {
    failed(key) {
      const before = failures.get(key) ?? 0;
      failures.set(key, before + 1);
      return Math.min(firstMs * 2 ** before, capMs);
    },
    attempts: (key) => failures.get(key) ?? 0,
    reset: (key) => void failures.delete(key),
  };
}
