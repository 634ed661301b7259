/** Shows rows to whoever watches: redrawn in place on a terminal, else one plain line a change. */
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
  let drawn = 0;
  let cancel: (() => void) | undefined;
  let closed = false;

  const draw = () => {
    cancel?.();
    const size = { width: output.columns ?? 80, height: Math.max(3, (output.rows ?? 24) - 2), color };
    const lines = tableLines(rows(), clock.now(), size);
    output.write(`${up(drawn)}${CLEAR_BELOW}${lines.join('\n')}\n`);
    drawn = lines.length;
    cancel = closed ? undefined : clock.after(AGE_MS, draw);
  };
  /** The terminal has wrapped or cut what was there: what is above the table cannot be told any more. */
  const onResize = () => draw();
  output.on?.('resize', onResize);

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
      output.write(`${up(drawn)}${CLEAR_BELOW}${text}`);
      drawn = 0;
      draw();
    },
    close() {
      closed = true;
      draw();
      output.off?.('resize', onResize);
    },
  };
}
