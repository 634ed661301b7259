/** What a scenario measures, as a line of JSON for programs and a table for people. */

export interface Figures {
  scenario: string;
  kind: string;
  objects: number;
  /** Runs that the figures are divided by: objects created, edits made, timer runs seen. */
  runs: number;
  seconds: number;
  runsPerSecond: number;
  /** User and system time of relay and functions together, in one process. */
  cpuMsPerRun: number;
  statusWritesPerRun: number;
  /** Writes of the object itself: the finalizer. */
  objectWritesPerRun: number;
  eventWritesPerRun: number;
  registryRequestsPerRun: number;
  latencyMs?: { p50: number; p95: number; max: number };
  rssMiB: number;
}

/** p50, p95 and maximum of latencies in milliseconds. */
export function percentiles(latencies: number[]): { p50: number; p95: number; max: number } {
  const sorted = [...latencies].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { p50: round(at(0.5)), p95: round(at(0.95)), max: round(sorted.at(-1) ?? 0) };
}

export function round(value: number): number {
  return Number(value.toPrecision(3));
}

const COLUMNS: [string, (figures: Figures) => string | number][] = [
  ['scenario', (f) => f.scenario],
  ['kind', (f) => f.kind],
  ['objects', (f) => f.objects],
  ['runs', (f) => f.runs],
  ['seconds', (f) => f.seconds],
  ['runs/s', (f) => f.runsPerSecond],
  ['ms CPU', (f) => f.cpuMsPerRun],
  ['status writes', (f) => f.statusWritesPerRun],
  ['object writes', (f) => f.objectWritesPerRun],
  ['event writes', (f) => f.eventWritesPerRun],
  ['registry requests', (f) => f.registryRequestsPerRun],
  ['p50 / p95 / max ms', (f) => (f.latencyMs ? Object.values(f.latencyMs).join(' / ') : '–')],
  ['RSS MiB', (f) => f.rssMiB],
];

/** A table with one row per scenario; all figures but the first five and the last two are per run. */
export function table(rows: Figures[]): string {
  const cells = [
    COLUMNS.map(([name]) => name),
    ...rows.map((row) => COLUMNS.map(([, of]) => String(of(row)))),
  ];
  const widths = COLUMNS.map((_, column) => Math.max(...cells.map((line) => line[column]!.length)));
  return cells
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
