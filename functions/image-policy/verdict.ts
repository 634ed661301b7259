/** How a run ended. */
import type { ImageReference } from '../../shared/api/image-policy.ts';
import type { Failure } from '../../shared/runtime/failure.ts';
import type { References } from './reference.ts';

/** A tag is chosen. */
export interface Success {
  result: 'ok';
  references: References & { latest: ImageReference };
  /** Time until the next look at the digest in milliseconds; 0: no timer. */
  waitMs: number;
}

/** There are no tags yet: no failure, and no reason to wait longer each time (IR-REC-20). */
export interface Waiting {
  result: 'waiting';
  reason: string;
  message: string;
  waitMs: number;
  /** The repository has no record of tags at all, although it may think so: it has to look. */
  asksRepository: boolean;
  /** The choice of before cannot be checked now, which is no reason to say anything of it. */
  silent: boolean;
}

export type Verdict = Success | Waiting | Failure;
