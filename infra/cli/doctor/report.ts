/** The findings: lines for people as they come, one JSON object for programs. */
import { RELEASE } from '../../../shared/runtime/release.ts';
import { visible } from '../visible.ts';
import { type Finding, type Result, STEPS } from './finding.ts';

const WORDS: Record<Result, string> = {
  ok: 'ok',
  warning: 'WARNING',
  failed: 'FAILED',
  skipped: 'skipped',
};

const RESULT_WIDTH = Math.max(...Object.values(WORDS).map(({ length }) => length)) + 2;
const STEP_WIDTH = Math.max(...STEPS.map(({ length }) => length)) + 2;

/** Line of a finding, and another one for what to do. */
export function findingLines({ step, result, text, advice }: Finding): string {
  const line = `${WORDS[result].padEnd(RESULT_WIDTH)}${step.padEnd(STEP_WIDTH)}${visible(text)}\n`;
  return advice ? `${line}${' '.repeat(RESULT_WIDTH + STEP_WIDTH)}-> ${visible(advice)}\n` : line;
}

export function summaryLine(findings: readonly Finding[]): string {
  const count = (result: Result) => findings.filter((finding) => finding.result === result).length;
  const [bad, doubtful, left] = [count('failed'), count('warning'), count('skipped')];
  const parts = [
    bad > 0 ? `${bad} failed` : 'nothing failed',
    ...(doubtful > 0 ? [`${doubtful} to be looked at`] : []),
    ...(left > 0 ? [`${left} skipped`] : []),
  ];
  return `\n${parts.join(', ')}\n`;
}

export function reportJson(findings: readonly Finding[]): string {
  return `${JSON.stringify({ release: RELEASE, ok: isWell(findings), findings }, null, 2)}\n`;
}

export function isWell(findings: readonly Finding[]): boolean {
  return findings.every(({ result }) => result !== 'failed');
}
