/** What a run of a policy counts for the relay's metrics (10.1). */
import type { Measure } from '../../shared/runtime/contract.ts';
import type { Verdict } from './verdict.ts';

const RESULTS: Record<Verdict['result'], string> = {
  ok: 'success',
  waiting: 'waiting',
  stalled: 'stalled',
  retry: 'failure',
};

/** One evaluation, by how it ended. */
export function evaluationMeasure({ result }: Pick<Verdict, 'result'>): Measure {
  return { name: 'imagereflect_policy_evaluations_total', value: 1, labels: { result: RESULTS[result] } };
}
