/** The ladder of 5.1: gate, image, access, is a scan due, scan. Each rung fails with its own reason. */
import {
  exclusionListOf,
  type ImageRepository,
  providerOf,
  timeoutOf,
} from '../../shared/api/image-repository.ts';
import type { CacheUse } from '../../shared/oci/cloud-tokens.ts';
import { requireIdentityGate } from '../../shared/oci/identity-gate.ts';
import { parseImageName } from '../../shared/oci/image-name.ts';
import { openRegistry } from '../../shared/oci/registry.ts';
import { prepareAccess } from '../../shared/oci/run-access.ts';
import { parseDuration } from '../../shared/runtime/duration.ts';
import { inStep } from '../../shared/runtime/failure.ts';
import type { Progress } from '../../shared/runtime/progress.ts';
import type { Settings } from '../../shared/runtime/settings.ts';
import { startTimeout } from '../../shared/runtime/timeout.ts';
import { readTagRecordHeader } from '../../shared/storage/tag-record.ts';
import { decideScan } from './due.ts';
import { readSpec, STEP } from './failures.ts';
import { scan } from './scan.ts';
import { isScanRequested } from './scan-request.ts';
import type { Target } from './target.ts';
import type { Success } from './verdict.ts';

export interface Climb {
  target: Target;
  object: ImageRepository;
  settings: Settings;
  progress: Progress<ImageRepository>;
  /** When the run started: milliseconds since 1970. */
  startedAt: number;
  /** Gets what is odd about the Secrets: it may be why a later rung fails. */
  warn(message: string): void;
  /** Counts what the scan asks of the cache of cloud tokens: also of one that fails. */
  cacheUse: CacheUse;
}

/**
 * Climbs the ladder for an object that is neither deleted nor suspended.
 * @throws StalledError, RetryError with reason and message of the condition
 */
export async function bringUpToDate(climb: Climb): Promise<Success> {
  const { target, object, settings, progress, startedAt } = climb;
  const { run } = target;
  const { spec, status } = object;
  requireIdentityGate(spec, settings);
  const image = readSpec(() => parseImageName(spec.image));
  const intervalMs = readSpec(() => parseDuration(spec.interval));
  const timeoutMs = readSpec(() => timeoutOf(spec));
  const exclusionList = exclusionListOf(spec);

  const timeout = startTimeout(timeoutMs, run);
  const { signal, deadline } = timeout;
  try {
    const access = await inStep(STEP.access, signal, () => {
      // Also when no scan is due: a Secret that is missing shows at once (IR-REPO-1).
      const spec = { ...object.spec, provider: providerOf(object.spec) };
      const { namespace } = run.request;
      const { warn, cacheUse } = climb;
      return prepareAccess({ run, namespace, image, spec, settings, warn, cacheUse }, signal);
    });
    const reader = { uid: object.metadata.uid, log: run.log };
    const record = await inStep(STEP.due, signal, () =>
      readTagRecordHeader(run.store, target.recordKey, reader, signal),
    );
    const decision = decideScan({
      now: startedAt,
      intervalMs,
      jitterPercent: settings['interval-jitter-percentage'],
      scanTime: timeOf(status?.lastScanResult?.scanTime),
      statusRevision: status?.lastScanResult?.revision,
      requested: isScanRequested(object, run.request),
      canonicalName: image.canonical,
      observedName: status?.canonicalImageName,
      exclusionList,
      observedExclusionList: status?.observedExclusionList,
      record,
    });
    const { waitMs } = decision;
    const success = {
      result: 'ok',
      canonicalName: image.canonical,
      exclusionList,
      waitMs,
    } as const;
    if (!decision.due) {
      const { tagCount, revision } = decision.record;
      return { ...success, tagCount, revision, scan: undefined };
    }

    const { reason } = decision;
    const recordIsMissing = reason === 'no tags in database';
    progress.say({
      message: `scanning: ${reason}`,
      isNews: recordIsMissing,
      ready: recordIsMissing ? 'unknown' : 'keep',
    });
    const found = await inStep(STEP.scan, signal, () =>
      scan(
        {
          target,
          uid: object.metadata.uid,
          open: () => openRegistry(image, access, { clock: run.clock, settings, log: run.log, deadline }),
          canonicalName: image.canonical,
          exclusionList,
          record,
        },
        signal,
      ),
    );
    return { ...success, tagCount: found.tagCount, revision: found.revision, scan: found };
  } finally {
    timeout.stop();
  }
}

/** Milliseconds since 1970; undefined for a time that is missing or none. */
function timeOf(text: string | undefined): number | undefined {
  const ms = text === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}
