/** Starts a program for a test, waits until it serves, stops it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

export interface ProcessOptions {
  env?: Record<string, string>;
  cwd?: string;
  /** The program is ready as soon as this port of 127.0.0.1 accepts a connection; none: at once. */
  port?: number;
  /** Longest wait for that. */
  readyMs?: number;
}

export interface RunningProcess {
  readonly pid: number;
  /** The end of what it has printed, both streams. */
  output(): string;
  /** Its exit code, when it has ended by itself or was stopped; null after a signal. */
  readonly ended: Promise<number | null>;
  /** Sends SIGTERM, after 5 s SIGKILL, and waits for the end. */
  stop(): Promise<void>;
}

const KEPT_OUTPUT = 32_768;

/**
 * Starts `command`. It never outlives this process.
 * @throws Error with its output when it ends, or does not listen, before it is ready
 */
export async function startProcess(
  command: string,
  args: string[],
  options: ProcessOptions = {},
): Promise<RunningProcess> {
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const keep = (chunk: Buffer) => {
    output = (output + chunk).slice(-KEPT_OUTPUT);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  await once(child, 'spawn');
  const killWithUs = () => child.kill('SIGKILL');
  process.once('exit', killWithUs);
  const ended = once(child, 'close').then(([code]) => {
    process.removeListener('exit', killWithUs);
    return code as number | null;
  });

  const running: RunningProcess = {
    pid: child.pid!,
    output: () => output,
    ended,
    stop: () => stop(child, ended),
  };
  if (options.port === undefined) return running;
  const hasEnded = ended.then((code) => Promise.reject(new Error(`it ended with code ${code}`)));
  const waiting = new AbortController();
  try {
    await Promise.race([accepts(options.port, options.readyMs ?? 20_000, waiting.signal), hasEnded]);
    return running;
  } catch (error) {
    await running.stop();
    throw new Error(`${command} is not ready: ${(error as Error).message}\n${output}`);
  } finally {
    waiting.abort();
  }
}

/** A port of 127.0.0.1 that nobody listens on now: for programs that cannot take port 0. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

async function stop(child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
  const kill = setTimeout(() => child.kill('SIGKILL'), 5000);
  await ended;
  clearTimeout(kill);
}

async function accepts(port: number, ms: number, signal: AbortSignal): Promise<void> {
  const end = Date.now() + ms;
  while (!signal.aborted && !(await answers(port))) {
    if (Date.now() > end) throw new Error(`port ${port} does not accept connections after ${ms} ms`);
    await wait(25);
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
