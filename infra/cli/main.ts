/** The process of `longshore`: signals, exit code, and a last net for errors that nobody caught. */
import { messageOf } from '../../shared/runtime/errors.ts';
import { redact } from '../../shared/runtime/redact.ts';
import { runCli } from './cli.ts';

/** A signal that comes again within this time is the same Ctrl-C, passed on by npm or the launcher as well. */
const SAME_SIGNAL_MS = 1000;
/** What is still open this long after a command has ended will not end by itself. */
const LEFTOVER_MS = 2000;

const stop = new AbortController();
let stoppedAt = 0;

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    if (stop.signal.aborted && Date.now() - stoppedAt > SAME_SIGNAL_MS) process.exit(1);
    stoppedAt ||= Date.now();
    stop.abort();
  });
}

for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (error) => {
    process.stderr.write(`longshore: ${redact(messageOf(error))}\n`);
    process.exit(1);
  });
}

// `longshore up | head`: who does not read any more wants no error either.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  stop.abort();
});

// The timers of our clock keep no process alive: a command that only waits must not end as if it were done.
const alive = setInterval(() => {}, 2 ** 30);
process.exitCode = await runCli(
  process.argv.slice(2),
  { stdout: process.stdout, stderr: process.stderr, environment: process.env, stdin: process.stdin },
  stop.signal,
);
clearInterval(alive);
setTimeout(() => process.exit(), LEFTOVER_MS).unref();
