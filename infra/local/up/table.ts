/** Rows as lines: a table for a terminal, a line for everything else. */
import { styleText } from 'node:util';
import type { ObjectRow } from './object-row.ts';

const HEADERS = ['KIND', 'NAMESPACE/NAME', 'READY', 'REASON', 'MESSAGE', 'AGE'] as const;
const GAP = '  ';
const NAME = HEADERS.indexOf('NAMESPACE/NAME');
const READY = HEADERS.indexOf('READY');
const REASON = HEADERS.indexOf('REASON');
const MESSAGE = HEADERS.indexOf('MESSAGE');
/** What a message should have before other columns keep more than they need: most say in it what they are about. */
const READABLE_MESSAGE = 40;
/** A message of less says nothing: then the reason goes, which says less still. */
const SHORTEST_MESSAGE = 16;
/** What gives way to a readable message, in this order, and how far. Kinds of one name still differ. */
const GIVE_WAY: readonly { column: number; least: number }[] = [
  { column: NAME, least: 22 },
  { column: REASON, least: 12 },
  { column: HEADERS.indexOf('KIND'), least: 20 },
];

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
  const columns = layOut(cells, size.width);
  const lines = cells.map((line, index) => {
    const padded = columns.map(({ column, width }) => fit(line[column]!, width, column === NAME));
    const text = padded.join(GAP).trimEnd();
    if (text.length > size.width) return cut(text, size.width);
    const ready = columns.findIndex(({ column }) => column === READY);
    return size.color ? paint(padded, index === 0, ready) : text;
  });
  if (shown.length < rows.length) lines.push(cut(`… and ${rows.length - shown.length} more`, size.width));
  return lines;
}

interface Column {
  /** Its place in `HEADERS`. */
  column: number;
  width: number;
}

/** The columns that have room in `total` characters: a message is cut first, but others make room for a readable one. */
function layOut(cells: string[][], total: number, shown = [...HEADERS.keys()]): Column[] {
  const columns = shown.map((column) => ({
    column,
    width: Math.max(...cells.map((line) => line[column]!.length)),
  }));
  const message = columns.find(({ column }) => column === MESSAGE)!;
  const others = columns.reduce((sum, each) => sum + (each === message ? 0 : each.width + GAP.length), 0);
  const wanted = message.width;
  message.width = total - others;
  for (const { column, least } of GIVE_WAY) {
    const giving = columns.find((each) => each.column === column);
    const missing = Math.min(wanted, READABLE_MESSAGE) - message.width;
    if (!giving || missing <= 0) continue;
    const given = Math.min(missing, Math.max(0, giving.width - least));
    giving.width -= given;
    message.width += given;
  }
  const least = Math.min(wanted, SHORTEST_MESSAGE);
  if (message.width < least && shown.includes(REASON)) {
    return layOut(
      cells,
      total,
      shown.filter((column) => column !== REASON),
    );
  }
  message.width = Math.min(wanted, Math.max(least, message.width));
  return columns;
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

function fit(cell: string, width: number, fromTheMiddle: boolean): string {
  return (fromTheMiddle ? cutMiddle(cell, width) : cut(cell, width)).padEnd(width);
}

/** Names of one family differ at their end as often as at their beginning. */
function cutMiddle(text: string, width: number): string {
  if (text.length <= width || width < 3) return cut(text, width);
  const end = Math.floor((width - 1) / 2);
  return `${text.slice(0, width - 1 - end)}…${text.slice(text.length - end)}`;
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;
}

function paint(cells: string[], header: boolean, ready: number): string {
  const style = (text: string) =>
    styleText(header ? 'bold' : colorOf(text.trim()), text, { validateStream: false });
  const painted = cells.map((cell, column) => (header || column === ready ? style(cell) : cell));
  return painted.join(GAP).trimEnd();
}

function colorOf(ready: string): 'green' | 'red' | 'yellow' {
  if (ready === 'True') return 'green';
  return ready === 'False' ? 'red' : 'yellow';
}
