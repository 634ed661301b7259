/** The events of an `ImageRepository` (9.1, decisions 7). */
import type { ImageRepository } from '../../shared/api/image-repository.ts';
import { eventOf, sendEvents, warningEvents } from '../../shared/kube/flux-events.ts';
import { formatDuration } from '../../shared/runtime/duration.ts';
import type { Target } from './target.ts';
import type { Verdict } from './verdict.ts';

/** `source.component` that people's filters know (decisions 6). */
const COMPONENT = 'image-reflector-controller';

/**
 * Writes the events of a run: its result, and what is odd about its Secrets when that is news.
 * @returns how many were written
 */
export async function announce(
  { run }: Target,
  before: ImageRepository,
  after: ImageRepository,
  verdict: Verdict,
  warnings: readonly string[],
): Promise<number> {
  const quietText = verdict.result === 'ok' ? nextScanText(endOf(verdict)) : undefined;
  const { trigger } = run.request;
  const result = eventOf(before.status?.conditions, after.status?.conditions ?? [], quietText, trigger);
  const texts = [...(result ? [result] : []), ...warningEvents(before, after, warnings)];
  return await sendEvents(run, after, COMPONENT, texts);
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
