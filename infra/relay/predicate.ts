/** Which changes of an object start a run, and which objects run when the relay starts. */
import type { Trigger } from '../../shared/runtime/contract.ts';
import type { SlimRecord } from './slim-record.ts';

/**
 * Why a change starts a run (IR-REC-1); undefined: it does not, as our own status writes do not.
 * @param before the record that we had; none, or one with another UID: the object is new
 */
export function triggerOf(before: SlimRecord | undefined, after: SlimRecord): Trigger | undefined {
  if (!before || before.uid !== after.uid) return isRequested(after) ? 'requested' : 'change';
  // Taking the annotation away is no request, and a token that was handled meanwhile needs no second run.
  if (after.requested !== before.requested && isRequested(after)) return 'requested';
  if (after.generation !== before.generation) return 'change';
  if (after.deleting && !before.deleting) return 'change';
  if (after.watched !== before.watched) return 'change';
  return undefined;
}

/**
 * Why an object runs at once when the relay starts (decisions 5); undefined: it is settled and waits for its due time.
 * @param baseUrl where artifacts are; empty: the relay does not know
 * Stalled and suspended objects only run for a change, a request or their deletion.
 */
export function startTriggerOf(record: SlimRecord, baseUrl: string): Trigger | undefined {
  if (record.deleting) return 'change';
  if (isRequested(record)) return 'requested';
  if (!record.finalized) return 'change';
  // The generation of a suspended object is not observed until it is resumed (IR-REC-8), and resuming is a change.
  if (record.suspended) return undefined;
  if (record.generation !== record.observedGeneration) return 'change';
  if (record.stalled) return undefined;
  if (!record.ready) return 'resync';
  const hasMoved = record.base !== '' && baseUrl !== '' && record.base !== baseUrl;
  return hasMoved ? 'resync' : undefined;
}

/**
 * Why an object of somebody else runs, when it changed or when the relay starts (`before`: undefined): it asks for
 * something, or it goes and we made something for it.
 */
export function foreignTriggerOf(before: SlimRecord | undefined, after: SlimRecord): Trigger | undefined {
  const same = before?.uid === after.uid ? before : undefined;
  if (after.deleting) return after.finalized && !same?.deleting ? 'change' : undefined;
  return after.watched !== '' && after.watched !== same?.watched ? 'change' : undefined;
}

function isRequested(record: SlimRecord): boolean {
  return record.requested !== '' && record.requested !== record.handled;
}
