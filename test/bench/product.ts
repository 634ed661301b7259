/** The product under measurement: `longshore up` against the cluster of the benchmark, in a process of its own. */
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort, startProcess } from '../parts/process.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The kernel counts the time of a process in ticks of this length. */
const TICK_MS = 10;

const READY_WITHIN_MS = 30_000;

export interface Product {
  /** Time from the start of the process until its watches were live, in milliseconds. */
  startMs: number;
  /** User and system time so far, in milliseconds. */
  cpuMs(): number;
  rssMiB(): number;
  stop(): Promise<void>;
}

/** @throws Error with what the process said when it does not get ready */
export async function startProduct(options: {
  kubeconfig: string;
  data: string;
  args: string[];
}): Promise<Product> {
  if (!existsSync('/proc/self/stat')) throw new Error('the benchmark reads /proc: it needs Linux');
  const address = `127.0.0.1:${await freePort()}`;
  const profile = process.env.BENCH_CPU_PROFILE;
  const args = [
    // As `npm start` does: a young generation that is kept small is 30 MiB less.
    '--max-semi-space-size=4',
    ...(profile ? ['--cpu-prof', `--cpu-prof-dir=${profile}`] : []),
    'longshore.mjs',
    'up',
    `--kubeconfig=${options.kubeconfig}`,
    `--data=${options.data}`,
    `--metrics-addr=${address}`,
    `--health-addr=${address}`,
    `--storage-addr=${address}`,
    // The same after a restart, as that of a Service is: another one would have every artifact looked at again.
    '--artifact-base-url=http://artifacts.bench.example',
    '--log-level=error',
    ...options.args,
  ];
  const started = performance.now();
  const running = await startProcess(process.execPath, args, { cwd: ROOT });
  while (!(await isLive(`http://${address}/readyz`))) {
    if (performance.now() - started > READY_WITHIN_MS) {
      await running.stop();
      throw new Error(`longshore up is not ready:\n${running.output()}`);
    }
    await pause(5);
  }
  return {
    startMs: Math.round(performance.now() - started),
    cpuMs() {
      const fields = readFileSync(`/proc/${running.pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
      return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
    },
    rssMiB() {
      const line = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${running.pid}/status`, 'utf8'));
      return Math.round(Number(line?.[1]) / 1024);
    },
    stop: running.stop,
  };
}

async function isLive(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false;
  }
}
