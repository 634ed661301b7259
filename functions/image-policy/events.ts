/** The events of an `ImagePolicy` (9.1, decisions 7). */
import type { ImagePolicy } from '../../shared/api/image-policy.ts';
import { eventOf, sendEvents, warningEvents } from '../../shared/kube/flux-events.ts';
import type { Run } from '../../shared/runtime/reconciler.ts';
import { choiceText } from './reference.ts';
import type { Verdict } from './verdict.ts';

/** `source.component` that people's filters know (decisions 6). */
const COMPONENT = 'image-reflector-controller';

/**
 * Writes the events of a run: its result, and what is odd about the Secrets of its repository when that is news.
 * @returns how many were written
 */
export async function announce(
  run: Run,
  before: ImagePolicy,
  after: ImagePolicy,
  verdict: Verdict,
  warnings: readonly string[],
): Promise<number> {
  const quietText = verdict.result === 'ok' ? choiceText(verdict.references) : undefined;
  const { trigger } = run.request;
  const result = eventOf(before.status?.conditions, after.status?.conditions ?? [], quietText, trigger);
  const texts = [...(result ? [result] : []), ...warningEvents(before, after, warnings)];
  return await sendEvents(run, after, COMPONENT, texts);
}
