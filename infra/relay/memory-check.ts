/**
 * How much memory a relay takes that watches many settled objects (design section 11), by hand. As the pod is bundled:
 *
 *     esbuild infra/relay/memory-check.ts --bundle --platform=node --format=esm --splitting --outdir=/tmp/memory \
 *       --out-extension:.js=.mjs --banner:js='import {createRequire} from "node:module";const require=createRequire(import.meta.url);'
 *     node /tmp/memory/memory-check.mjs 0 10000 100000
 *
 * prints a line for each count. The relay is a process of its own; this one plays the API server. Then every object is
 * changed once by a status write, as a round of scans would. (Run from TypeScript, Node's type stripping adds 40 MiB.)
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { createKubeClient } from '../../shared/kube/rest-client.ts';
import { createTransport } from '../../shared/kube/transport.ts';
import { systemClock } from '../../shared/runtime/clock.ts';
import { createLogger } from '../../shared/runtime/logger.ts';
import { readSettings } from '../../shared/runtime/settings.ts';
import { createLambdaTarget } from './dispatch-lambda.ts';
import { RELAY_KINDS } from './kinds.ts';
import { startRelay } from './relay.ts';
import { startServer } from './server.ts';
import { preferSmallHeap } from './small-heap.ts';
import { startTestApi, testObject } from './test-api.ts';

if (process.send) await serve(process.argv[2]!);
else for (const count of process.argv.slice(2)) await measure(Number(count));

/** The child: a relay as the pod has it, but for the way to its cluster. */
async function serve(server: string): Promise<void> {
  preferSmallHeap();
  const transport = createTransport({ server });
  const relay = startRelay({
    transport,
    kube: createKubeClient(transport),
    kinds: RELAY_KINDS,
    target: createLambdaTarget({ prefix: '', endpoint: 'http://127.0.0.1:9', maxSockets: 16 }),
    access: () => ({ provider: 'kubeconfig' }),
    settings: readSettings('relay', [], {}),
    clock: systemClock,
    random: Math.random,
    log: createLogger('error'),
  });
  await startServer(
    relay,
    readSettings('relay', ['--health-addr=127.0.0.1:0', '--metrics-addr=127.0.0.1:0'], {}),
  );
  while (!relay.ready()) await pause(5);
  process.send?.(relay.state());
}

async function measure(count: number): Promise<void> {
  const api = await startTestApi();
  api.objects = Array.from({ length: count }, (_, n) => realisticObject(n, '1'));
  const startedAt = performance.now();
  const child = fork(import.meta.filename, [api.url]);
  const [state] = await once(child, 'message');
  const readyMs = Math.round(performance.now() - startedAt);
  const readyCpuMs = cpuMsOf(child);
  const watch = await api.watch(1);
  await pause(2000);
  const listed = memoryOf(child);

  const cpuBefore = cpuMsOf(child);
  for (let n = 0; n < count; n++) {
    watch.send({ type: 'MODIFIED', object: realisticObject(n, '2') });
    if (n % 1000 === 0) await pause(10);
  }
  await pause(3000);
  const updated = memoryOf(child);
  const eventMs = (cpuMsOf(child) - cpuBefore) / count;
  child.kill();
  await api.close();

  const mib = ({ now, peak }: { now: number; peak: number }) => `${now} MiB (peak ${peak})`;
  process.stdout.write(
    `${state[0].objects} objects: ready in ${readyMs} ms (${readyCpuMs} ms CPU), ${mib(listed)}; ` +
      `after a status write of each ${mib(updated)}, ${eventMs.toFixed(3)} ms CPU an event\n`,
  );
}

/** About 3 KB of JSON, as a real server sends it: managed fields, conditions with messages, a scan result. */
function realisticObject(n: number, version: string) {
  const scanTime = new Date(Date.now() - (n % 3600) * 1000).toISOString();
  const object = testObject(`repository-of-a-team-${n}`, {
    namespace: `team-${n % 100}`,
    uid: `0b9f5c1e-8f6a-4d53-9d1c-${String(n).padStart(12, '0')}`,
    version,
    interval: '12h',
    scanTime,
    requested: scanTime,
    handled: scanTime,
  });
  const fields = Object.fromEntries(
    Array.from({ length: 40 }, (_, at) => [`f:some-field-${at}`, { '.': {} }]),
  );
  const managedFields = [{ manager: 'kubectl', operation: 'Apply', fieldsV1: fields }];
  return { ...object, metadata: { ...object.metadata, managedFields } };
}

function memoryOf({ pid }: ChildProcess): { now: number; peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const mib = (name: string) => Math.round(Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]) / 1024);
  return { now: mib('VmRSS'), peak: mib('VmHWM') };
}

/** User and system time; the kernel counts in hundredths of a second. */
function cpuMsOf({ pid }: ChildProcess): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
