/** The lines of a watch: each one is parsed once, and no byte is copied that a chunk already holds in one piece. */
import type { KubeObject } from '../../shared/kube/resource.ts';

/** Above what etcd can hold of one object: a longer line is none of an API server. */
const LONGEST_LINE = 16 * 2 ** 20;

const LINE_FEED = 0x0a;

/** The watch cannot go on from where it is: what was sent is no event, or only half of one. */
export class BrokenStream extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'BrokenStream';
  }
}

export interface WatchEvent {
  type: string;
  object: KubeObject;
}

export interface LineParser {
  /**
   * Takes the next bytes and hands every event that they complete to `onEvent`.
   * @throws BrokenStream for a line that is no event
   */
  push(chunk: Buffer): void;
  /** @throws BrokenStream when the bytes ended in the middle of a line */
  end(): void;
}

export function createLineParser(onEvent: (event: WatchEvent) => void): LineParser {
  /** The beginning of a line whose end has not come. */
  let held: Buffer[] = [];
  let heldBytes = 0;

  return {
    push(chunk) {
      let from = 0;
      for (let to = chunk.indexOf(LINE_FEED); to >= 0; to = chunk.indexOf(LINE_FEED, from)) {
        let line: string;
        if (held.length === 0) line = chunk.toString('utf8', from, to);
        else {
          line = Buffer.concat([...held, chunk.subarray(from, to)]).toString('utf8');
          held = [];
          heldBytes = 0;
        }
        from = to + 1;
        if (line.trim() !== '') onEvent(parseEvent(line));
      }
      if (from === chunk.length) return;
      held.push(from === 0 ? chunk : chunk.subarray(from));
      heldBytes += chunk.length - from;
      if (heldBytes > LONGEST_LINE) throw new BrokenStream('the watch sent a line without an end');
    },
    end() {
      if (heldBytes > 0) throw new BrokenStream('the watch ended in the middle of a line');
    },
  };
}

function parseEvent(line: string): WatchEvent {
  let event: Partial<WatchEvent> | null;
  try {
    event = JSON.parse(line);
  } catch {
    throw new BrokenStream('the watch sent a line that is no JSON');
  }
  if (typeof event?.type !== 'string' || typeof event.object !== 'object' || event.object === null) {
    throw new BrokenStream('the watch sent a line that is no event');
  }
  return event as WatchEvent;
}
