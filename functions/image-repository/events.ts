/** Which event a run leaves behind, if any (9.1, decisions 7). */
import type { ImageRepository } from '../../shared/api/image-repository.ts';
import { findCondition } from '../../shared/kube/conditions.ts';
import { recordEvent } from '../../shared/kube/events.ts';
import type { Condition } from '../../shared/kube/resource.ts';
import type { Trigger } from '../../shared/runtime/contract.ts';
import { formatDuration } from '../../shared/runtime/duration.ts';
import { REASON } from './failures.ts';
import type { Target } from './target.ts';
import type { Verdict } from './verdict.ts';

/** `source.component` that people's filters know (decisions 6). */
const COMPONENT = 'image-reflector-controller';

/** Annotations of the object that its events carry as well (9.2). */
const ANNOTATION_PREFIX = 'event.toolkit.fluxcd.io/';

export interface EventText {
  type: 'Normal' | 'Warning';
  reason: string;
  message: string;
}

/**
 * Writes the events of a run: its result, and what is odd about its Secrets when that is news.
 * A deleted object has none (IR-EVT-5); an event that cannot be written is logged and fails nothing.
 * @returns how many were written
 */
export async function announce(
  target: Target,
  before: ImageRepository,
  after: ImageRepository,
  verdict: Verdict,
  warnings: readonly string[],
): Promise<number> {
  if (after.metadata.deletionTimestamp) return 0;
  const texts: EventText[] = [];
  const end = verdict.result === 'ok' ? endOf(verdict) : undefined;
  const text = eventOf(
    before.status?.conditions,
    after.status?.conditions ?? [],
    end,
    target.run.request.trigger,
  );
  if (text) texts.push(text);
  if (!isToldAlready(before, after)) texts.push(...warnings.map(warningOf));
  let written = 0;
  for (const each of texts) if (await send(target, after, each)) written++;
  return written;
}

/**
 * A run of the same generation has ended this way before, and has told what is odd. A failure tells it too: a Secret that is
 * ignored may be its cause.
 */
function isToldAlready(before: ImageRepository, after: ImageRepository): boolean {
  const [was, is] = [before, after].map(({ status }) => findCondition(status?.conditions, 'Ready'));
  return was?.observedGeneration === after.metadata.generation && was?.reason === is?.reason;
}

/** A TLS Secret with old keys, or a Secret that holds no credentials for all that it is named as a pull secret. */
function warningOf(message: string): EventText {
  const reason = message.includes('deprecated') ? 'DeprecatedSecretKeys' : 'SecretIgnored';
  return { type: 'Warning', reason, message };
}

async function send({ run }: Target, object: ImageRepository, text: EventText): Promise<boolean> {
  const { kube, clock, signal } = run;
  const annotations = eventAnnotations(object);
  try {
    return await recordEvent({ kube, clock, object, ...text, component: COMPONENT, annotations }, signal);
  } catch (error) {
    run.log.error('the event could not be written', { error });
    return false;
  }
}

function eventAnnotations(object: ImageRepository): Record<string, string> | undefined {
  const own = Object.entries(object.metadata.annotations ?? {}).filter(([name]) =>
    name.startsWith(ANNOTATION_PREFIX),
  );
  return own.length > 0 ? Object.fromEntries(own) : undefined;
}

function endOf(verdict: Verdict & { result: 'ok' }): QuietEnd {
  return {
    scanned: verdict.scan !== undefined,
    changed: verdict.scan?.changed ?? false,
    waitMs: verdict.waitMs,
  };
}

/** How a run that succeeded came to its end. */
export interface QuietEnd {
  scanned: boolean;
  /** Whether the scan found another tag set than the one before. */
  changed: boolean;
  /** 0: there is no next scan until something asks for one. */
  waitMs: number;
}

/**
 * Compares the conditions before and after a run. An object that is not ready gets a warning for every failed run
 * (equal ones are counted in one event); news of a ready one are told; that there is no news is told to whoever asked.
 * @param end how the run ended; undefined after a failure
 */
export function eventOf(
  before: readonly Condition[] | undefined,
  after: readonly Condition[],
  end: QuietEnd | undefined,
  trigger: Trigger,
): EventText | undefined {
  const ready = findCondition(after, 'Ready');
  if (!ready) return undefined;
  if (!end || ready.status !== 'True') {
    return { type: 'Warning', reason: ready.reason, message: ready.message };
  }
  if (!isReady(before) || findCondition(before, 'Ready')?.message !== ready.message) {
    return { type: 'Normal', reason: REASON.succeeded, message: ready.message };
  }
  const asked = trigger === 'change' || trigger === 'requested';
  return asked ? { type: 'Normal', reason: REASON.succeeded, message: nextScanText(end) } : undefined;
}

/** IR-EVT-1. */
export function nextScanText(end: QuietEnd): string {
  const next = end.waitMs > 0 ? `next scan in ${rounded(end.waitMs)}` : 'no next scan: the interval is 0s';
  if (!end.scanned) return `no change in repository configuration since last scan, ${next}`;
  return end.changed ? `successful scan, ${next}` : `tags did not change, ${next}`;
}

/** `4m59s`, `1.5s`: tenths of seconds only where they say something. */
function rounded(ms: number): string {
  const step = ms < 10_000 ? 100 : 1000;
  return formatDuration(Math.max(step, Math.round(ms / step) * step));
}

/** Ready, and not in the middle of something. */
function isReady(conditions: readonly Condition[] | undefined): boolean {
  const status = (type: string) => findCondition(conditions, type)?.status;
  return status('Ready') === 'True' && status('Reconciling') !== 'True' && status('Stalled') !== 'True';
}
