/** The ladder of 8.2: repository, access, rule, stored tags, choice, digest. Each rung fails with its own reason. */
import {
  digestPolicyOf,
  type ImagePolicy,
  INTERVAL_MISSING,
  intervalOf,
} from '../../shared/api/image-policy.ts';
import type { ImageRepository } from '../../shared/api/image-repository.ts';
import type { CacheUse } from '../../shared/oci/cloud-tokens.ts';
import { requireIdentityGate } from '../../shared/oci/identity-gate.ts';
import { type ImageName, parseImageName, sameCanonicalName } from '../../shared/oci/image-name.ts';
import { formatDuration } from '../../shared/runtime/duration.ts';
import { messageOf, StalledError } from '../../shared/runtime/errors.ts';
import { inStep } from '../../shared/runtime/failure.ts';
import type { Run } from '../../shared/runtime/reconciler.ts';
import type { Settings } from '../../shared/runtime/settings.ts';
import { readTagRecord } from '../../shared/storage/tag-record.ts';
import { chooseTag, compileRule } from './choice.ts';
import { digestFor } from './digest.ts';
import { REASON, STEP } from './failures.ts';
import { nextReferences, storedReferences } from './reference.ts';
import { findRepository } from './repository.ts';
import { isStartCheck } from './start-check.ts';
import type { Success, Waiting } from './verdict.ts';

export interface Climb {
  run: Run;
  policy: ImagePolicy;
  settings: Settings;
  /** Gets what is odd about the repository's Secrets: it may be why the digest cannot be had. */
  warn(message: string): void;
  /** Counts what the look at the digest asks of the cache of cloud tokens: also of one that fails. */
  cacheUse: CacheUse;
}

/**
 * Climbs the ladder for a policy that is neither deleted nor suspended.
 * @throws StalledError, RetryError with reason and message of the condition
 */
export async function bringUpToDate(climb: Climb): Promise<Success | Waiting> {
  const { run, policy, settings } = climb;
  const waitMs = readInterval(policy);
  const repository = await findRepository(run, policy, settings);
  const image = readImage(repository);
  requireIdentityGate(repository.spec, settings, nameOf(repository));
  // Before the tags: a rule that cannot be used is told also when there are none yet (IR-POL-5).
  const rule = await compileRule(policy.spec);
  const tags = await inStep(STEP.tags, run.signal, () => storedTags(run, repository, image));
  if (!tags?.length) return waitForTags(climb, tags === undefined);

  const chosen = { name: repository.spec.image, tag: await chooseTag(rule, tags, run.signal) };
  const stored = storedReferences(policy.status);
  const digest = await digestFor({ ...climb, repository, image }, policy, chosen, stored.latest);
  const references = nextReferences(stored, { ...chosen, ...(digest && { digest }) });
  return { result: 'ok', references, waitMs };
}

/** Milliseconds between two looks at the digest; the schema of an older CRD does not ask for an interval (IR-API-8). */
function readInterval({ spec }: ImagePolicy): number {
  if (digestPolicyOf(spec) === 'Always' && !spec.interval) {
    throw new StalledError(REASON.interval, INTERVAL_MISSING);
  }
  try {
    return intervalOf(spec);
  } catch (error) {
    throw new StalledError(REASON.interval, `spec.interval: ${messageOf(error)}`);
  }
}

function readImage({ spec }: ImageRepository): ImageName {
  try {
    return parseImageName(spec.image);
  } catch (error) {
    throw new StalledError(REASON.image, messageOf(error));
  }
}

function nameOf({ metadata: { namespace, name } }: ImageRepository): string {
  return `ImageRepository '${namespace}/${name}'`;
}

/**
 * The tags of the last scan that succeeded; undefined: there is no record of one. Those of another image than the
 * repository has now do not count: its new name with a tag of the old image would be a reference to nothing (IR-POL-1).
 */
async function storedTags(
  { cluster, store, log, signal }: Run,
  { metadata }: ImageRepository,
  image: ImageName,
): Promise<readonly string[] | undefined> {
  const { namespace = '', name, uid } = metadata;
  const record = await readTagRecord(store, { cluster, namespace, name }, { uid, log }, signal);
  return record && sameCanonicalName(record.canonicalName, image.canonical) ? record.tags : undefined;
}

/**
 * The repository has not been scanned, or has no tags. The relay wakes the policy when that changes. A repository whose
 * record was lost with its store does not know: the relay has it look.
 */
function waitForTags({ run, policy, settings }: Climb, asksRepository: boolean): Waiting {
  const waitMs = settings['requeue-dependency'];
  const message = `retrying in ${formatDuration(waitMs)} error: no tags in database`;
  const silent = isStartCheck(run, policy);
  return { result: 'waiting', reason: REASON.dependency, message, waitMs, asksRepository, silent };
}
