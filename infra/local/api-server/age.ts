/** Ages as people read them: `45s`, `3m12s`, `5h`, `12d`, `2y30d`. */

const UNITS = [
  { name: 'y', seconds: 365 * 86_400 },
  { name: 'd', seconds: 86_400 },
  { name: 'h', seconds: 3_600 },
  { name: 'm', seconds: 60 },
  { name: 's', seconds: 1 },
] as const;

/** Below these, in seconds, an age is told in two units, from the given larger one on. */
const STEPS = [
  { below: 120, from: 's', small: false },
  { below: 600, from: 'm', small: true },
  { below: 3 * 3_600, from: 'm', small: false },
  { below: 8 * 3_600, from: 'h', small: true },
  { below: 48 * 3_600, from: 'h', small: false },
  { below: 8 * 86_400, from: 'd', small: true },
  { below: 2 * 365 * 86_400, from: 'd', small: false },
  { below: 8 * 365 * 86_400, from: 'y', small: true },
  { below: Number.POSITIVE_INFINITY, from: 'y', small: false },
] as const;

/** @param ms how long ago, in milliseconds */
export function ageText(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < -1) return '<invalid>';
  if (seconds <= 0) return '0s';
  const step = STEPS.find(({ below }) => seconds < below)!;
  const at = UNITS.findIndex(({ name }) => name === step.from);
  const large = UNITS[at]!;
  const small = UNITS[at + 1];
  const head = `${Math.floor(seconds / large.seconds)}${large.name}`;
  const rest = small ? Math.floor((seconds % large.seconds) / small.seconds) : 0;
  return step.small && small && rest > 0 ? `${head}${rest}${small.name}` : head;
}

/** The age of a timestamp; `<unknown>` without one. */
export function ageSince(time: unknown, now: number): string {
  const at = typeof time === 'string' ? Date.parse(time) : Number.NaN;
  return Number.isNaN(at) ? '<unknown>' : ageText(now - at);
}
