/** The tag that a policy picks, by the same code as the command line (8.1), with the reasons of 8.9. */
import type { ImagePolicySpec } from '../../shared/api/image-policy.ts';
import { compilePolicy, type Policy } from '../../shared/policy/policy.ts';
import { PolicyError } from '../../shared/policy/policy-error.ts';
import { RetryError, StalledError } from '../../shared/runtime/errors.ts';
import { REASON } from './failures.ts';

/** @throws StalledError `InvalidPolicy` for a rule or a filter that can never pick anything */
export function compileRule({ policy, filterTags }: ImagePolicySpec): Promise<Policy> {
  return withReasons(() => compilePolicy(policy ?? {}, filterTags));
}

/** @throws RetryError `Failure` when none of the tags fits: later ones may */
export async function chooseTag(rule: Policy, tags: readonly string[], signal: AbortSignal): Promise<string> {
  return (await withReasons(() => rule.latest(tags, signal))).tag;
}

async function withReasons<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    if (error.code === 'invalid') throw new StalledError(REASON.policy, error.message);
    throw new RetryError(REASON.evaluation, error.message, { cause: error });
  }
}
