/** The log of a process whose screen belongs to a table. */
import { closeSync, openSync, statSync, writeSync } from 'node:fs';
import { createLogger, type Logger, type LogLevel } from '../../../shared/runtime/logger.ts';

/** A file longer than this is begun anew at the next start. */
const LONGEST_BYTES = 10 * 1024 * 1024;

export function openLogFile(file: string, level: LogLevel): { log: Logger; close(): void } {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  let descriptor: number | undefined = openSync(file, size > LONGEST_BYTES ? 'w' : 'a', 0o600);
  return {
    log: createLogger(level, (line) => {
      if (descriptor === undefined) return;
      try {
        writeSync(descriptor, line);
      } catch {
        // A full disk takes lines from the log, not the work from the objects: their status tells what is wrong.
      }
    }),
    close() {
      if (descriptor !== undefined) closeSync(descriptor);
      descriptor = undefined;
    },
  };
}
