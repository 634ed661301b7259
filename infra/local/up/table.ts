/** Rows as lines: a table for a terminal, a line for everything else. */
import { styleText } from 'node:util';
import type { ObjectRow } from './object-row.ts';

const HEADERS = ['KIND', 'NAMESPACE/NAME', 'READY', 'REASON', 'MESSAGE', 'AGE'] as const;
const GAP = '  ';
const READY = HEADERS.indexOf('READY');
const MESSAGE = HEADERS.indexOf('MESSAGE');
/** A message is cut before anything else, but not below this. */
const SHORTEST_MESSAGE = 10;

/**
 * The table, its header first, no line wider than `width`.
 * @param width in characters; @param height most lines, the header among them
 */
export function tableLines(
  rows: ObjectRow[],
  now: number,
  size: { width: number; height: number; color: boolean },
): string[] {
  const shown = rows.length < size.height ? rows : urgentFirst(rows).slice(0, Math.max(0, size.height - 2));
  const cells = [[...HEADERS], ...shown.map((row) => cellsOf(row, now))];
  const widths = HEADERS.map((_, column) => Math.max(...cells.map((line) => line[column]!.length)));
  const others = widths.reduce((sum, each, column) => sum + (column === MESSAGE ? 0 : each + GAP.length), 0);
  widths[MESSAGE] = Math.min(widths[MESSAGE]!, Math.max(SHORTEST_MESSAGE, size.width - others));
  const lines = cells.map((line, index) => {
    const padded = line.map((cell, column) => fit(cell, widths[column]!));
    const text = padded.join(GAP).trimEnd();
    if (text.length > size.width) return cut(text, size.width);
    return size.color ? paint(padded, index === 0) : text;
  });
  if (shown.length < rows.length) lines.push(cut(`… and ${rows.length - shown.length} more`, size.width));
  return lines;
}

/** A row without a table around it: for logs and pipes, which keep every line. */
export function plainLine({ kind, name, ready, reason, message }: ObjectRow): string {
  return `${kind} ${name} Ready=${ready === '-' ? 'Unknown' : ready} ${reason}${message && `: ${message}`}`;
}

/** `42s`, `3m`, `5h`, `12d`: as kubectl shows ages, in one unit. */
export function ageText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}

/** Where not all rows have room, those that somebody waits for are seen. */
function urgentFirst(rows: ObjectRow[]): ObjectRow[] {
  return rows.toSorted((a, b) => Number(a.settled) - Number(b.settled));
}

function cellsOf(row: ObjectRow, now: number): string[] {
  const age = row.createdAt === undefined ? '-' : ageText(now - row.createdAt);
  return [row.kind, row.name, row.ready, row.reason, row.message, age];
}

function fit(cell: string, width: number): string {
  return cut(cell, width).padEnd(width);
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;
}

function paint(cells: string[], header: boolean): string {
  const style = (text: string) =>
    styleText(header ? 'bold' : colorOf(text.trim()), text, { validateStream: false });
  const painted = cells.map((cell, column) => (header || column === READY ? style(cell) : cell));
  return painted.join(GAP).trimEnd();
}

function colorOf(ready: string): 'green' | 'red' | 'yellow' {
  if (ready === 'True') return 'green';
  return ready === 'False' ? 'red' : 'yellow';
}
