/** The events of an `OCIRepository` (section 18, decisions 7). */
import type { OciRepository, StoredArtifact } from '../../shared/api/oci-repository.ts';
import { findCondition } from '../../shared/kube/conditions.ts';
import {
  type EventText,
  sendEvents,
  warningEvents,
  wasAsked,
  writeEvents,
} from '../../shared/kube/flux-events.ts';
import type { Condition } from '../../shared/kube/resource.ts';
import type { Trigger } from '../../shared/runtime/contract.ts';
import type { Run } from '../../shared/runtime/reconciler.ts';
import { REASON } from './failures.ts';
import type { Findings } from './findings.ts';
import type { Verdict } from './verdict.ts';

/** `source.component` that people's filters know (decisions 6). */
const COMPONENT = 'source-controller';

/** What the annotations of an event are called; `checksum` is what receivers of 2022 read. */
const ANNOTATION = 'source.toolkit.fluxcd.io/';

const ORIGIN = 'org.opencontainers.image.';

/**
 * Writes the events of a run: its result, what happened on the way, and what is odd about its Secrets when that is news.
 * @returns how many were written
 */
export async function announce(
  run: Run,
  { before, after }: { before: OciRepository; after: OciRepository },
  verdict: Verdict,
  { notes }: Findings,
  warnings: readonly string[],
): Promise<number> {
  const texts = [...notes, ...resultEvents(before, verdict, run.request.trigger)];
  return await sendEvents(run, after, COMPONENT, [...texts, ...warningEvents(before, after, warnings)]);
}

/** About the object outside of a verdict; also about its end, which has events of its own in this kind (18.3). */
export function tell(run: Run, object: OciRepository, event: EventText): Promise<number> {
  return writeEvents(run, object, COMPONENT, [event]);
}

/** A failure as it is; a new file, or the end of a failure, as news; that nothing is new to whoever asked (18.2, 18.3). */
function resultEvents(
  before: Pick<OciRepository, 'spec' | 'status'>,
  verdict: Verdict,
  trigger: Trigger,
): EventText[] {
  if (verdict.result !== 'ok') {
    const { reason, message } = verdict;
    return [{ type: 'Warning', reason, message }];
  }
  const { artifact, isNew } = verdict;
  const events: EventText[] = [];
  const normal = (reason: string, message: string, annotations?: Record<string, string>) =>
    events.push({ type: 'Normal', reason, message, ...(annotations && { annotations }) });
  const isOther = before.status?.artifact?.digest !== artifact.digest;
  if (isOther || wasFailed(before.status?.conditions)) {
    const reason = isOther ? 'NewArtifact' : REASON.succeeded;
    normal(reason, storedText(artifact, before.spec.url), annotationsOf(artifact));
  }
  if (!isNew && wasAsked(trigger)) {
    normal('ArtifactUpToDate', `artifact up-to-date with remote revision: '${artifact.revision}'`);
  }
  return events;
}

function wasFailed(conditions: readonly Condition[] | undefined): boolean {
  return ['FetchFailed', 'StorageOperationFailed'].some((type) => findCondition(conditions, type));
}

function storedText({ revision, metadata }: StoredArtifact, url: string): string {
  const text = `stored artifact with revision '${revision}' from '${url}'`;
  const source = metadata?.[`${ORIGIN}source`];
  const origin = metadata?.[`${ORIGIN}revision`];
  return source && origin ? `${text}, origin source '${source}', origin revision '${origin}'` : text;
}

function annotationsOf({ revision, digest = '', checksum = '' }: StoredArtifact): Record<string, string> {
  return {
    [`${ANNOTATION}revision`]: revision,
    [`${ANNOTATION}digest`]: digest,
    [`${ANNOTATION}checksum`]: checksum,
  };
}
