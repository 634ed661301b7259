/** What a pass over the ladder comes to. */
import type { QuayImageRepository } from '../../shared/api/quay-image-repository.ts';
import type { RunResult } from '../../shared/runtime/reconciler.ts';

/** `again`: the object changed, and the ladder has more to say about it; `result`: the run is over. */
export type Step = { again: QuayImageRepository } | { result: RunResult };
