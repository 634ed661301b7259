/**
 * Where functions run. One file a target: `dispatch-in-process.ts`, `dispatch-lambda.ts`; `dispatch-http.ts` (any FaaS,
 * HMAC-SHA256 over body and timestamp, design section 3) will stand beside them.
 */
import type { Batch } from '../../shared/runtime/contract.ts';

export interface DispatchTarget {
  /** Requests that one batch carries at most. */
  readonly batchSize: number;
  /** How many batches in flight one of `--concurrent` stands for: more than 1 where batches are smaller than 25. */
  readonly batchesPerSlot: number;
  /**
   * Has a function run a batch and answers what it answered, unchecked (the dispatcher does that).
   * @param functionName such as `image-repository`
   * @param signal gives up waiting
   * @throws DispatchError
   */
  send(functionName: string, batch: Batch, signal: AbortSignal): Promise<unknown>;
}

/**
 * Why a batch has no answer. `unreachable`: nobody there, or nobody who may answer us: no fault of its keys; `failed`:
 * the function ran and broke, maybe because of one of them; both count towards the circuit. `throttled`: too many
 * requests, come back after `retryAfterMs`. When a connection breaks after the batch was sent, the function may still be
 * at work while the keys go out again: the guards of the writes (decisions 2) keep the two runs apart.
 */
export class DispatchError extends Error {
  readonly kind: 'unreachable' | 'throttled' | 'failed';
  readonly retryAfterMs: number | undefined;

  constructor(
    kind: DispatchError['kind'],
    message: string,
    options: { cause?: unknown; retryAfterMs?: number } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = 'DispatchError';
    this.kind = kind;
    this.retryAfterMs = options.retryAfterMs;
  }
}
