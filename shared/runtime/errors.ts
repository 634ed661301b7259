/**
 * The two ways in which a run fails. Everything a run throws ends as one of them: `run-key.ts` turns what it does
 * not know into a `RetryError`, without its stack.
 */

/** Only a change of the object can repair this: no retry (outcome `stalled`). */
export class StalledError extends Error {
  readonly reason: string;

  /** @param reason reason of the condition; @param message what is wrong, naming the field */
  constructor(reason: string, message: string) {
    super(message);
    this.name = 'StalledError';
    this.reason = reason;
  }
}

/** Time or somebody else may repair this: repeated with back-off, or after `retryAfterMs` (outcome `retry`). */
export class RetryError extends Error {
  readonly reason: string;
  readonly retryAfterMs: number | undefined;

  /** @param reason reason of the condition; @param message the cause; @param options `cause`, `retryAfterMs` */
  constructor(reason: string, message: string, options: { cause?: unknown; retryAfterMs?: number } = {}) {
    super(message, { cause: options.cause });
    this.name = 'RetryError';
    this.reason = reason;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** The text of whatever was thrown, for a message on an object: one line, no stack. */
export function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message || error.name : String(error);
  if (!/[\r\n]/.test(text)) return text;
  const lines = text.split(/[\r\n]+/).map((line) => line.trim());
  return lines.filter((line) => line !== '').join(' ');
}
