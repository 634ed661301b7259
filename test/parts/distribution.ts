/** CNCF Distribution as a registry of tests: it pages, and knows Basic, TLS and delete. Needs the part `registry`. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { stringify } from 'yaml';
import { part } from './parts.ts';
import { freePort, startProcess } from './process.ts';

export interface DistributionOptions {
  /** Content of a `htpasswd` file (bcrypt lines): Basic authentication. */
  htpasswd?: string;
  /** PEM certificate and key: the registry speaks HTTPS. */
  tls?: { cert: string; key: string };
  /** Serve Prometheus metrics (`registry_http_requests_total`, …) on another port. */
  metrics?: boolean;
  /** Keep content in memory instead of a folder: a thousand pushes take a third of the time. */
  inMemory?: boolean;
}

export interface Distribution {
  port: number;
  /** `127.0.0.1:PORT`, as it stands in an image name. */
  host: string;
  url: string;
  /** Address of the metrics, when asked for. */
  metricsUrl?: string;
  stop(): Promise<void>;
}

/** Starts an empty registry that keeps its content in a folder of its own, which `stop` removes. */
export async function startDistribution(options: DistributionOptions = {}): Promise<Distribution> {
  const folder = await mkdtemp(path.join(tmpdir(), 'longshore-registry-'));
  const port = await freePort();
  const { tls, htpasswd } = options;
  const metricsPort = options.metrics ? await freePort() : undefined;
  if (htpasswd) await writeFile(path.join(folder, 'htpasswd'), htpasswd);
  if (tls) {
    await writeFile(path.join(folder, 'tls.crt'), tls.cert);
    await writeFile(path.join(folder, 'tls.key'), tls.key, { mode: 0o600 });
  }
  const config = {
    version: 0.1,
    log: { level: 'warn', accesslog: { disabled: true } },
    storage: {
      ...(options.inMemory ? { inmemory: {} } : { filesystem: { rootdirectory: path.join(folder, 'data') } }),
      delete: { enabled: true },
    },
    http: {
      addr: `127.0.0.1:${port}`,
      ...(tls && { tls: { certificate: path.join(folder, 'tls.crt'), key: path.join(folder, 'tls.key') } }),
      ...(metricsPort && { debug: { addr: `127.0.0.1:${metricsPort}`, prometheus: { enabled: true } } }),
    },
    ...(htpasswd && { auth: { htpasswd: { realm: 'tests', path: path.join(folder, 'htpasswd') } } }),
  };
  await writeFile(path.join(folder, 'config.yml'), stringify(config));
  const registry = await startProcess(part('registry')!, ['serve', path.join(folder, 'config.yml')], {
    port,
    // It would send traces to a collector that nobody has started.
    env: { OTEL_TRACES_EXPORTER: 'none' },
  });
  return {
    port,
    host: `127.0.0.1:${port}`,
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    ...(metricsPort && { metricsUrl: `http://127.0.0.1:${metricsPort}/metrics` }),
    async stop() {
      await registry.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
