/** Shows rows to whoever watches: redrawn in place on a terminal, else one plain line a change. */
import { stripVTControlCharacters } from 'node:util';
import type { Clock } from '../../../shared/runtime/clock.ts';
import type { Output } from '../../cli/command.ts';
import type { ObjectRow } from './object-row.ts';
import { plainLine, tableLines } from './table.ts';

export interface View {
  /** To be called after every change of a row. */
  update(): void;
  /** Says something of one line or more, once, above what comes later. */
  say(text: string): void;
  /** Leaves the last picture and ends. */
  close(): void;
}

/** At most so often a terminal is drawn anew, in milliseconds: an eye sees no more. */
const REDRAW_MS = 100;
/** Ages move even when nothing else does. */
const AGE_MS = 1000;

const CLEAR_BELOW = '\x1b[0J';
const up = (lines: number) => (lines > 0 ? `\x1b[${lines}A\r` : '\r');

export function createView(options: {
  output: Output;
  rows(): ObjectRow[];
  clock: Clock;
  /** Whether to use colours on a terminal. */
  color: boolean;
}): View {
  return options.output.isTTY ? createLiveTable(options) : createPlainLines(options);
}

type ViewOptions = Parameters<typeof createView>[0];

function createPlainLines({ output, rows }: ViewOptions): View {
  const told = new Map<string, string>();
  return {
    update() {
      for (const row of rows()) {
        const line = plainLine(row);
        const key = `${row.kind} ${row.name}`;
        // An object that nobody has looked at yet has nothing to tell.
        if (row.ready === '-' && row.reason === '-') continue;
        if (told.get(key) === line) continue;
        told.set(key, line);
        output.write(`${line}\n`);
      }
    },
    say: (text) => {
      output.write(text);
    },
    close() {},
  };
}

/** What `say` told stays in the scrollback; the table is always the last thing on the screen. */
function createLiveTable({ output, rows, clock, color }: ViewOptions): View {
  let drawn: string[] = [];
  let cancel: (() => void) | undefined;
  let closed = false;

  const width = () => output.columns ?? 80;
  const erase = () => `${up(heightOf(drawn, width()))}${CLEAR_BELOW}`;
  const draw = () => {
    cancel?.();
    const size = { width: width(), height: Math.max(3, (output.rows ?? 24) - 2), color };
    const lines = tableLines(rows(), clock.now(), size);
    output.write(`${erase()}${lines.join('\n')}\n`);
    drawn = lines;
    cancel = closed ? undefined : clock.after(AGE_MS, draw);
  };
  output.on?.('resize', draw);

  let due = false;
  return {
    update() {
      if (due || closed) return;
      due = true;
      clock.after(REDRAW_MS, () => {
        due = false;
        if (!closed) draw();
      });
    },
    say(text) {
      output.write(`${erase()}${text}`);
      drawn = [];
      draw();
    },
    close() {
      closed = true;
      draw();
      output.off?.('resize', draw);
    },
  };
}

/** Lines of the screen that these take now: a terminal that was made narrower has wrapped what it showed. */
function heightOf(lines: string[], width: number): number {
  return lines.reduce((sum, line) => {
    const length = stripVTControlCharacters(line).length;
    return sum + Math.max(1, Math.ceil(length / Math.max(1, width)));
  }, 0);
}
