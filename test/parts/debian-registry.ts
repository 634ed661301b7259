/** Debian's docker-registry (Distribution 2.8): ignores `n` and never pages, as many registries in use do. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { stringify } from 'yaml';
import { part } from './parts.ts';
import { freePort, startProcess } from './process.ts';

export interface DebianRegistry {
  port: number;
  /** `127.0.0.1:PORT`, as it stands in an image name. */
  host: string;
  url: string;
  stop(): Promise<void>;
}

/** Starts an empty registry that keeps its content in memory. Needs the part `docker-registry` (`apt-get install docker-registry`). */
export async function startDebianRegistry(): Promise<DebianRegistry> {
  const folder = await mkdtemp(path.join(tmpdir(), 'longshore-registry-'));
  const port = await freePort();
  const file = path.join(folder, 'config.yml');
  const config = {
    version: 0.1,
    log: { level: 'warn', accesslog: { disabled: true } },
    storage: { inmemory: {}, delete: { enabled: true } },
    http: { addr: `127.0.0.1:${port}` },
  };
  await writeFile(file, stringify(config));
  const registry = await startProcess(part('docker-registry')!, ['serve', file], { port });
  return {
    port,
    host: `127.0.0.1:${port}`,
    url: `http://127.0.0.1:${port}`,
    async stop() {
      await registry.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
