/** One case of the artifact benchmark, in a process of its own: the peak of its memory is nobody else's. */
import { createHash } from 'node:crypto';
import { createReadStream, readFileSync, statSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { produceArtifact } from '../../../shared/artifact/produce-artifact.ts';
import { verifyingStream } from '../../../shared/oci/digest.ts';

/** What it prints, as a line of JSON. */
export interface Measured {
  seconds: number;
  cpuSeconds: number;
  /** Of the whole process, with Node itself. */
  peakMiB: number;
}

const [file, operation, repeats] = process.argv.slice(2) as [string, 'extract' | 'copy', string];
const MIB = 1024 * 1024;
const limits = { layerBytes: 512 * MIB, extractedBytes: 512 * MIB, extractedEntries: 100_000 };
const { signal } = new AbortController();
const digest = await digestOf(file);
const size = statSync(file).size;
// A run before the clock starts: a function does its work more than once, too.
if (Number(repeats) > 1) for (let run = 0; run < 200; run++) await work();

const cpu = process.cpuUsage();
const started = performance.now();
for (let run = 0; run < Number(repeats); run++) await work();
const { user, system } = process.cpuUsage(cpu);
const measured: Measured = {
  seconds: (performance.now() - started) / 1000,
  cpuSeconds: (user + system) / 1e6,
  peakMiB: peakKiB() / 1024,
};
process.stdout.write(JSON.stringify(measured));

/** As a run does it: the registry's client verifies the bytes, the store reads the file. */
async function work(): Promise<void> {
  const layer = createReadStream(file).pipe(verifyingStream(digest, file));
  const artifact = await produceArtifact(layer, { operation, limits, size }, signal);
  const body = artifact.body();
  if (!Buffer.isBuffer(body)) await drain(body);
  artifact.dispose();
}

async function drain(stream: Readable): Promise<void> {
  for await (const _chunk of stream);
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return `sha256:${hash.digest('hex')}`;
}

/** Linux counts what the process was forked from into `maxRSS`: the benchmark itself, with all that it has read. */
function peakKiB(): number {
  try {
    const status = readFileSync('/proc/self/status', 'utf8');
    return Number(/^VmHWM:\s*(\d+) kB$/m.exec(status)![1]);
  } catch {
    return process.resourceUsage().maxRSS;
  }
}
