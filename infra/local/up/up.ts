/** `longshore up`: everything in one process, and a person at the terminal who wants to see it work. */
import { type Clock, systemClock } from '../../../shared/runtime/clock.ts';
import { formatDuration } from '../../../shared/runtime/duration.ts';
import { createLogger, type Logger } from '../../../shared/runtime/logger.ts';
import type { Settings } from '../../../shared/runtime/settings.ts';
import { CommandError, type Terminal } from '../../cli/command.ts';
import { growHeapSlowly } from '../../relay/small-heap.ts';
import type { UpFlags } from './flags.ts';
import { openLogFile } from './log-file.ts';
import { type ObjectWatch, watchObjects } from './object-watch.ts';
import type { Place, PlaceOptions } from './place.ts';
import { serveCluster } from './serve.ts';
import { Stops } from './stops.ts';
import { plainLine } from './table.ts';
import { createView, type View } from './view.ts';

export interface UpOptions {
  flags: UpFlags;
  settings: Settings;
  terminal: Terminal;
}

/** An object that nobody repairs must not keep the hints of the demo from whoever waits for them. */
const HINTS_AFTER_MS = 10_000;

/**
 * Runs until `signal` aborts, or with `--once` until everything is Ready. A cluster that exists gets what the relay
 * prints in a pod, log lines, unless `--once` waits for its objects; the demo gets a table.
 * @returns the exit code
 * @throws CommandError with the reasons when `--once` ends without everything being Ready
 */
export async function runUp({ flags, settings, terminal }: UpOptions, signal: AbortSignal): Promise<number> {
  growHeapSlowly();
  const clock = systemClock;
  const stops = new Stops();
  const withTable = flags.once || flags.kubeconfig === undefined;
  const tell = (line: string) => (withTable ? terminal.stdout : terminal.stderr).write(`${line}\n`);
  try {
    const place = await openPlace({ flags, settings, clock, tell, stops }, signal);
    const log = withTable ? logToFile(place, settings, stops) : createLogger(settings['log-level']);
    const serving = await serveCluster({ ...place, settings, clock, log });
    stops.add(() => serving.stop());
    if (withTable) await follow({ place, flags, settings, terminal, clock, log }, signal);
    else await aborted(signal);
  } catch (error) {
    if (!signal.aborted) throw error;
    if (flags.once) throw new CommandError('stopped before everything was Ready');
    // Stopped while it started: not a failure.
  } finally {
    await stops.run();
  }
  return 0;
}

/** The demo's API server and registry are not even loaded for a cluster that exists. */
async function openPlace(options: PlaceOptions, signal: AbortSignal): Promise<Place> {
  if (options.flags.kubeconfig === undefined) {
    const { startDemo } = await import('./demo.ts');
    return startDemo(options, signal);
  }
  const { openExistingCluster } = await import('./existing-cluster.ts');
  return openExistingCluster(options, signal);
}

function logToFile(place: Place, settings: Settings, stops: Stops): Logger {
  const { log, close } = openLogFile(place.log, settings['log-level']);
  stops.add(close);
  return log;
}

interface Following extends UpOptions {
  place: Place;
  clock: Clock;
  log: Logger;
}

/** Shows the objects until the end: the signal's, or with `--once` the moment when everything is Ready. */
async function follow(options: Following, signal: AbortSignal): Promise<void> {
  const { flags, terminal, clock } = options;
  const ending = new AbortController();
  const settled = Promise.withResolvers<void>();
  const watch: ObjectWatch = watchObjects(
    {
      ...options,
      cluster: options.place.cluster,
      onChange() {
        view.update();
        if (watch.settled()) settled.resolve();
      },
    },
    AbortSignal.any([signal, ending.signal]),
  );
  const view: View = createView({
    output: terminal.stdout,
    rows: watch.rows,
    clock,
    color: !terminal.environment.NO_COLOR,
  });
  try {
    const patience = flags.once ? flags.timeout : HINTS_AFTER_MS;
    const result = await first(settled.promise, patience, clock, signal);
    if (flags.once) {
      view.close();
      requireSettled(result, watch, flags.timeout, signal);
      terminal.stdout.write(`All ${watch.rows().length} objects are as they are meant to be.\n`);
      return;
    }
    const late = `Not everything is Ready after ${formatDuration(patience)}.\n`;
    if (result !== 'aborted') view.say((result === 'late' ? late : '') + options.place.hints);
    await aborted(signal);
    view.close();
  } finally {
    ending.abort();
    await watch.done;
  }
}

type Result = 'settled' | 'late' | 'aborted';

async function first(settled: Promise<void>, ms: number, clock: Clock, signal: AbortSignal): Promise<Result> {
  const late = Promise.withResolvers<Result>();
  const cancel = clock.after(ms, () => late.resolve('late'));
  const result = await Promise.race([
    settled.then((): Result => 'settled'),
    late.promise,
    aborted(signal).then((): Result => 'aborted'),
  ]);
  cancel();
  return result;
}

/** @throws CommandError with a line for each object that somebody still waits for; the signal's reason */
function requireSettled(result: Result, watch: ObjectWatch, timeout: number, signal: AbortSignal): void {
  signal.throwIfAborted();
  if (result === 'settled') return;
  const waiting = watch.rows().filter((row) => !row.settled);
  const first = `not everything was Ready after ${formatDuration(timeout)}:`;
  throw new CommandError([first, ...waiting.map(plainLine)].join('\n'));
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
