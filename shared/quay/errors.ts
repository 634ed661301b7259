/** What goes wrong between us and Quay, sorted by who can repair it (spec 10.1, decisions "Creation"). */

/**
 * `throttled` 429, or our own pace leaves no time before the end of the run · `unavailable` no answer, a cut or unreadable
 * one, 408, 5xx: time repairs both · `configuration` token missing or refused, rights or organization missing, TLS, an
 * address that we must not connect to, an API URL that is none: an operator repairs it · `refused` Quay knows us and does
 * not accept this request · `impossible` and never will, whatever becomes of the rest · `missing` the repository that the request is about does not exist · `aborted` the run was
 * stopped.
 */
export type QuayErrorKind =
  | 'throttled'
  | 'unavailable'
  | 'configuration'
  | 'refused'
  | 'impossible'
  | 'missing'
  | 'aborted';

export interface QuayErrorOptions {
  status?: number;
  text?: string;
  retryAfterMs?: number;
  repeatable?: boolean;
  cause?: unknown;
}

/** The message is one line that names the request, without any credential. */
export class QuayError extends Error {
  readonly kind: QuayErrorKind;
  /** HTTP status, 0 when there was no answer. */
  readonly status: number;
  /** What Quay itself said, one line; empty when it said nothing. */
  readonly text: string;
  /** To be asked again after so many milliseconds. */
  readonly retryAfterMs: number | undefined;
  /** Whether a short repeat inside the run may help (spec 10.3). */
  readonly repeatable: boolean;

  constructor(kind: QuayErrorKind, message: string, options: QuayErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.name = 'QuayError';
    this.kind = kind;
    this.status = options.status ?? 0;
    this.text = options.text ?? '';
    this.retryAfterMs = options.retryAfterMs;
    this.repeatable = options.repeatable ?? false;
  }

  /** Quay knows us, and says no. */
  get isRefusal(): boolean {
    return this.kind === 'refused' || this.kind === 'impossible';
  }

  /** Time alone may repair it: the run is repeated, and no object fails for it. */
  get retryable(): boolean {
    return this.kind === 'throttled' || this.kind === 'unavailable';
  }
}
