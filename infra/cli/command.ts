/** What a command of `longshore` is: one file in this folder, and one line in `commands.ts`. */
import { messageOf } from '../../shared/runtime/errors.ts';

/** Where a command writes, and what it may read: the process, or a test. */
export interface Terminal {
  stdout: Output;
  stderr: Output;
  environment: Record<string, string | undefined>;
  /** Absent: there is nothing to read. */
  stdin?: AsyncIterable<Uint8Array | string>;
}

export interface Output {
  write(text: string): unknown;
  /** Whether control characters make sense. */
  isTTY?: boolean;
  /** Size in characters, on a terminal. */
  columns?: number;
  rows?: number;
  on?(event: 'resize', listener: () => void): unknown;
  off?(event: 'resize', listener: () => void): unknown;
}

export interface Command {
  /** What `longshore NAME --help` prints; ends with a line feed. */
  help: string;
  /**
   * @param args what stands behind the name
   * @param signal aborts at SIGINT, SIGTERM and SIGHUP: clean up, then return
   * @returns the exit code
   * @throws UsageError for a command line that cannot be meant; any other error is a failure: its message is printed
   */
  run(args: string[], terminal: Terminal, signal: AbortSignal): Promise<number>;
}

/** A command line that cannot be meant: exit code 2. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}

/** What `parseArgs` reads; what it refuses is a `UsageError`, without its advice about other flags. */
export function asUsage<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new UsageError(messageOf(error).split('. ')[0]!);
  }
}

/** Work that failed, with a text for the person at the terminal, of one line or more: exit code 1. */
export class CommandError extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'CommandError';
  }
}
