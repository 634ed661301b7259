/**
 * The question that is no work (`docs/contract.md`): which release runs, does it reach the cluster, may it use its part
 * of the bucket. `longshore doctor` asks it; loaded only by who asks and by who is asked.
 */
import * as z from 'zod/mini';
import { ClusterAccess, CONTRACT_VERSION } from './contract.ts';

/** A function is to look around and to change nothing that lasts. */
export const Check = z.object({
  contract: z.literal(CONTRACT_VERSION),
  release: z.string(),
  check: z.literal(true),
  cluster: z.string().check(z.minLength(1)),
  /** Left out: the cluster is not asked. */
  access: z.optional(ClusterAccess),
});
export type Check = z.infer<typeof Check>;

/** What a function found. `text` says who it is, what it did, or in one line what went wrong. */
const Found = z.object({ about: z.enum(['cluster', 'store']), ok: z.boolean(), text: z.string() });
export type Found = z.infer<typeof Found>;

export const CheckResult = z.object({
  contract: z.number(),
  release: z.string(),
  /** `group/kind` of what it serves. */
  kinds: z.array(z.string()),
  found: z.array(Found),
});
export type CheckResult = z.infer<typeof CheckResult>;
