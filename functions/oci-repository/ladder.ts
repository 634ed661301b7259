/** The inner steps (6.2): storage, access, reference, revision, signature, artifact. Each fails with its own reason. */
import { type OciRepository, timeoutOf } from '../../shared/api/oci-repository.ts';
import type { CacheUse } from '../../shared/oci/cloud-tokens.ts';
import { openRegistry } from '../../shared/oci/registry.ts';
import { parseDuration } from '../../shared/runtime/duration.ts';
import { inStep } from '../../shared/runtime/failure.ts';
import type { Progress } from '../../shared/runtime/progress.ts';
import type { Settings } from '../../shared/runtime/settings.ts';
import { startTimeout } from '../../shared/runtime/timeout.ts';
import { openAccess } from './access.ts';
import { addressWarning, parseRepositoryUrl } from './address.ts';
import { buildArtifact, pointAlias } from './build.ts';
import { isContentChanged } from './content-config.ts';
import { readSpec, STEP } from './failures.ts';
import type { Findings } from './findings.ts';
import { chooseReference, type Resolved, resolveReference } from './reference.ts';
import { outdatedStatement } from './status.ts';
import { checkStorage, collectOldFiles } from './storage-check.ts';
import type { Target } from './target.ts';
import type { Success } from './verdict.ts';
import { requireSignature, verificationStep } from './verification.ts';

export interface Climb {
  target: Target;
  object: OciRepository;
  settings: Settings;
  progress: Progress<OciRepository>;
  /** Filled on the way, for the status of a run that fails, too. */
  findings: Findings;
  /** Gets what is odd about the Secrets: it may be why a later step fails. */
  warn(message: string): void;
  /** Counts what the run asks of the cache of cloud tokens. */
  cacheUse: CacheUse;
}

/**
 * Climbs the ladder for an object that is neither deleted nor suspended.
 * @throws StalledError, RetryError with reason and message of the condition
 */
export async function bringUpToDate(climb: Climb): Promise<Success> {
  const { target, object, settings, findings } = climb;
  const { run } = target;
  const { spec } = object;
  const waitMs = readSpec(() => parseDuration(spec.interval));
  const timeoutMs = readSpec(() => timeoutOf(spec));
  await checkStorage(target, findings);
  const { artifact } = findings;
  if (artifact) await collectOldFiles(target, artifact, waitMs, findings);
  else tellMissing(climb);

  const image = parseRepositoryUrl(spec.url);
  const odd = addressWarning(spec.url, image);
  if (odd) run.log.info(odd);
  const timeout = startTimeout(timeoutMs, run, 'context deadline exceeded: ');
  const { signal, deadline } = timeout;
  try {
    const access = await inStep(STEP.access, signal, () => {
      const { warn, cacheUse } = climb;
      const note = findings.notes.push.bind(findings.notes);
      return openAccess({ run, object, image, settings, cacheUse, warn, note }, signal);
    });
    const registry = openRegistry(image, access, { clock: run.clock, settings, log: run.log, deadline });
    const reference = await inStep(STEP.choose(spec.url), signal, () =>
      chooseReference(spec, registry, signal),
    );
    const wantsManifest = !artifact || isContentChanged(spec, object.status ?? {});
    const resolved = await inStep(STEP.resolve, signal, () =>
      resolveReference(reference, { registry, image, wantsManifest }, signal),
    );
    findings.resolved = resolved;
    const isOutdated = artifact?.revision !== resolved.revision;
    if (isOutdated) tellOutdated(climb, resolved);
    if (!spec.verify) findings.unverified = true;
    else {
      await inStep(verificationStep(spec), signal, () =>
        requireSignature(object, artifact, resolved.revision),
      );
    }
    if (artifact && !isOutdated && !wantsManifest) {
      const hasAlias = await pointAlias(target, object, artifact, findings);
      return { result: 'ok', artifact, isNew: false, hasAlias, waitMs };
    }
    const built = await buildArtifact({ target, object, settings, registry, resolved, findings }, signal);
    return { result: 'ok', ...built, isNew: true, waitMs };
  } finally {
    timeout.stop();
  }
}

/** Consumers wait for an artifact that is not there (6.3 step 4). */
function tellMissing({ object, progress }: Climb): void {
  const message = object.status?.artifact
    ? 'building artifact: disappeared from storage'
    : 'building artifact';
  progress.say({ message, reason: 'NoArtifact', isNews: true, ready: 'unknown' });
}

/** S9. Without an artifact nothing is outdated, and the reason stays what it was. */
function tellOutdated({ object, progress, findings }: Climb, resolved: Resolved): void {
  const message = `building artifact: new revision '${resolved.revision}' for '${resolved.name}'`;
  const generation = object.metadata.generation ?? 0;
  const outdated = findings.artifact && {
    reason: 'NewRevision',
    beside: [outdatedStatement(resolved, generation)],
  };
  progress.say({ message, isNews: true, ready: 'unknown', ...outdated });
}
