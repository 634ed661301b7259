/** Go durations (`1h30m`, `90s`, `1.5h`, `250ms`), as `spec.interval` and `spec.timeout` carry them (IR-API-6). */

const UNIT_MS: Record<string, number> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

// Escaped: one letter beyond Latin-1 would double the memory of a whole bundle, and slow its parsing.
const PART = /(\d+\.?\d*|\.\d+)(ns|us|\u00b5s|\u03bcs|ms|s|m|h)/y;

/**
 * Milliseconds of a Go duration text.
 * @throws RangeError when the text is none, names a negative time or is longer than Go can hold (292 years)
 */
export function parseDuration(text: string): number {
  const start = text.startsWith('+') ? 1 : 0;
  if (text.length === start + 1 && text.endsWith('0')) return 0;
  let ms = 0;
  PART.lastIndex = start;
  while (PART.lastIndex < text.length || text.length === start) {
    const part = PART.exec(text);
    if (!part) throw new RangeError(`invalid duration '${text}': expected a form like 5m, 1h30m or 90s`);
    ms += Number(part[1]) * UNIT_MS[part[2]!]!;
  }
  if (ms > 9.2e15) throw new RangeError(`invalid duration '${text}': too long`);
  return ms;
}

/** The compact form that Go prints: `4m59s`, `1h0m0s`, `1.5s`, `250ms`, `0s`. */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0s';
  if (ms < 1000) return `${trimmed(ms)}ms`;
  const hours = Math.floor(ms / 3_600_000);
  const minutes = Math.floor((ms % 3_600_000) / 60_000);
  const seconds = `${trimmed((ms % 60_000) / 1000)}s`;
  if (hours > 0) return `${hours}h${minutes}m${seconds}`;
  return minutes > 0 ? `${minutes}m${seconds}` : seconds;
}

function trimmed(value: number): string {
  return String(Number(value.toFixed(6)));
}
