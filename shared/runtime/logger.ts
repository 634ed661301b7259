/**
 * JSON lines that `flux logs` reads (decisions 8): `level` as a word, `ts`, `msg`, and what names the object:
 * `controllerKind`, `namespace`, `name`, `reconcileID`. Every text goes through `scrub` first.
 */
import pino from 'pino';
import { messageOf } from './errors.ts';
import { type RunSecrets, redact } from './redact.ts';

export type LogLevel = 'debug' | 'info' | 'error';

/** What a line may carry beside its text. Errors become their message. */
export type LogFields = Record<string, unknown>;

export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds `fields` to every line, and keeps the secrets of a run out of them. */
  child(fields: LogFields, secrets?: RunSecrets): Logger;
}

/** @param write receives whole lines with their line feed; standard output when left out */
export function createLogger(level: LogLevel, write?: (line: string) => void): Logger {
  const options: pino.LoggerOptions = {
    level,
    base: null,
    messageKey: 'msg',
    timestamp: () => `,"ts":"${new Date().toISOString()}"`,
    formatters: { level: (label) => ({ level: label }) },
  };
  const destination = write ? { write } : pino.destination({ fd: 1, sync: true });
  const target = pino(options, destination);
  return wrap(() => target, redact);
}

/** A logger that says nothing. */
export const silentLogger: Logger = {
  debug() {},
  info() {},
  error() {},
  child: () => silentLogger,
};

/** @param open makes the logger at the first line: most runs say nothing, and its fields take 9 µs to prepare */
function wrap(open: () => pino.Logger, scrub: (text: string) => string): Logger {
  let opened: pino.Logger | undefined;
  const target = () => {
    opened ??= open();
    return opened;
  };
  const log = (level: LogLevel, message: string, fields: LogFields = {}) => {
    if (target().isLevelEnabled(level)) target()[level](scrubbed(fields, scrub), scrub(message));
  };
  return {
    debug: (message, fields) => log('debug', message, fields),
    info: (message, fields) => log('info', message, fields),
    error: (message, fields) => log('error', message, fields),
    child: (fields, secrets) =>
      wrap(() => target().child(scrubbed(fields, scrub)), secrets ? (text) => secrets.scrub(text) : scrub),
  };
}

function scrubbed(fields: LogFields, scrub: (text: string) => string): LogFields {
  const result: LogFields = {};
  for (const [name, value] of Object.entries(fields)) result[name] = scrubValue(value, scrub);
  return result;
}

function scrubValue(value: unknown, scrub: (text: string) => string): unknown {
  if (typeof value === 'string') return scrub(value);
  if (value instanceof Error) return scrub(messageOf(value));
  if (Array.isArray(value)) return value.map((item) => scrubValue(item, scrub));
  if (typeof value === 'object' && value !== null) return scrubbed(value as LogFields, scrub);
  return value;
}
