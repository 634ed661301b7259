/** What goes wrong between us and the API server. */

/**
 * `status` is the HTTP status, 0 when there was no answer. `reason` is the `Status` object's, e.g. `Conflict`,
 * `NotFound`, `Invalid`, `Expired`. The message names verb and object, never a credential.
 */
export class KubeError extends Error {
  readonly status: number;
  readonly reason: string;
  /** What the server asked us to wait (`Retry-After`). */
  readonly retryAfterMs: number | undefined;

  constructor(
    message: string,
    options: { status: number; reason?: string; retryAfterMs?: number; cause?: unknown },
  ) {
    super(message, { cause: options.cause });
    this.name = 'KubeError';
    this.status = options.status;
    this.reason = options.reason ?? '';
    this.retryAfterMs = options.retryAfterMs;
  }
}

export function isConflict(error: unknown): boolean {
  return error instanceof KubeError && error.status === 409 && error.reason !== 'AlreadyExists';
}

export function isNotFound(error: unknown): boolean {
  return error instanceof KubeError && error.status === 404;
}

export function isAlreadyExists(error: unknown): boolean {
  return error instanceof KubeError && error.status === 409 && error.reason === 'AlreadyExists';
}
