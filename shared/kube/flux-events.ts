/** The events that Flux kinds have in common: which one a run leaves behind, if any, and how it is written (IR 9.1, OCI 18, decisions 7). */
import type { Trigger } from '../runtime/contract.ts';
import type { Run } from '../runtime/reconciler.ts';
import { findCondition } from './conditions.ts';
import { recordEvent } from './events.ts';
import type { Condition, KubeObject, ReconcileStatus } from './resource.ts';

/** Annotations of the object that its events carry as well (IR 9.2). */
const ANNOTATION_PREFIX = 'event.toolkit.fluxcd.io/';

export interface EventText {
  type: 'Normal' | 'Warning';
  reason: string;
  message: string;
  /** Part of what is told, beside those that the object hands down. */
  annotations?: Record<string, string>;
}

type Observed = KubeObject<unknown, ReconcileStatus>;

/**
 * Compares the conditions before and after a run. An object that is not ready gets a warning for every failed run
 * (equal ones are counted in one event); news of a ready one are told; that there is no news is told to whoever asked.
 * @param quietText what to say when there is no news; undefined after a failure
 */
export function eventOf(
  before: readonly Condition[] | undefined,
  after: readonly Condition[],
  quietText: string | undefined,
  trigger: Trigger,
): EventText | undefined {
  const ready = findCondition(after, 'Ready');
  if (!ready) return undefined;
  const { reason, message } = ready;
  if (quietText === undefined || ready.status !== 'True') return { type: 'Warning', reason, message };
  if (!isReady(before) || findCondition(before, 'Ready')?.message !== message) {
    return { type: 'Normal', reason, message };
  }
  return wasAsked(trigger) ? { type: 'Normal', reason, message: quietText } : undefined;
}

/** A person or a change asked for the run: then also that nothing changed is worth an event (decisions 7). */
export function wasAsked(trigger: Trigger): boolean {
  return trigger === 'change' || trigger === 'requested';
}

/** Ready, and not in the middle of something. */
export function isReady(conditions: readonly Condition[] | undefined): boolean {
  const status = (type: string) => findCondition(conditions, type)?.status;
  return status('Ready') === 'True' && status('Reconciling') !== 'True' && status('Stalled') !== 'True';
}

/**
 * What is odd about the Secrets of an object: a TLS Secret with old keys, or one that holds no credentials for all that
 * it is named as a pull secret. Told once per generation and result: a failure tells it too, it may be its cause.
 */
export function warningEvents(before: Observed, after: Observed, warnings: readonly string[]): EventText[] {
  const [was, is] = [before, after].map(({ status }) => findCondition(status?.conditions, 'Ready'));
  if (was?.observedGeneration === after.metadata.generation && was?.reason === is?.reason) return [];
  return warnings.map((message) => {
    const reason = message.includes('deprecated') ? 'DeprecatedSecretKeys' : 'SecretIgnored';
    return { type: 'Warning', reason, message };
  });
}

type Teller = Pick<Run, 'kube' | 'clock' | 'signal' | 'log'>;

/** Writes events about an object, unless it is being deleted: then it has none (IR-EVT-5). @returns how many were written */
export async function sendEvents(
  run: Teller,
  object: Observed,
  component: string,
  texts: readonly EventText[],
): Promise<number> {
  return object.metadata.deletionTimestamp ? 0 : await writeEvents(run, object, component, texts);
}

/**
 * Writes events about an object, whatever becomes of it; one that cannot be written is logged and fails nothing.
 * @param component `source.component` that people's filters know (decisions 6)
 * @returns how many were written
 */
export async function writeEvents(
  { kube, clock, signal, log }: Teller,
  object: Observed,
  component: string,
  texts: readonly EventText[],
): Promise<number> {
  let written = 0;
  const handedDown = annotationsHandedDown(object);
  for (const text of texts) {
    try {
      if (await recordEvent({ kube, clock, object, ...text, component, handedDown }, signal)) written++;
    } catch (error) {
      log.error('the event could not be written', { error });
    }
  }
  return written;
}

function annotationsHandedDown({ metadata }: Observed): Record<string, string> {
  const all = Object.entries(metadata.annotations ?? {});
  return Object.fromEntries(all.filter(([name]) => name.startsWith(ANNOTATION_PREFIX)));
}
