/**
 * Access by a kubeconfig file, for whoever is outside a cluster. `kubeconfig-reader.ts` does the reading in a process
 * of its own: the library that it needs costs 60 MiB as long as its process lives (design section 3).
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { getCompileCacheDir } from 'node:module';
import { homedir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { KubeconfigReading } from './kubeconfig-reader.ts';
import type { ClusterEndpoint, TokenSource } from './transport.ts';

const READER = path.join(import.meta.dirname, 'kubeconfig-reader.ts');

/** An exec plugin may have to ask somebody. */
const READ_WITHIN_MS = 120_000;

export interface KubeconfigOptions {
  /** Path of the file; left out: `KUBECONFIG`, which may name several, then `~/.kube/config`. */
  file?: string;
  /** Name of the context; left out: the file's current one. */
  context?: string;
  environment?: Record<string, string | undefined>;
}

/** A kubeconfig that cannot be used. The message names file and context, never a credential. */
export class KubeconfigError extends Error {
  constructor(files: string[], context: string | undefined, problem: string) {
    const where = `kubeconfig ${files.join(', ')}${context === undefined ? '' : `, context '${context}'`}`;
    super(`${where}: ${problem}`);
    this.name = 'KubeconfigError';
  }
}

/**
 * The endpoint that a context names. An exec plugin runs once now, and again when the server refuses its token.
 * @throws KubeconfigError
 */
export async function loadKubeconfig(options: KubeconfigOptions = {}): Promise<ClusterEndpoint> {
  const { environment = process.env } = options;
  const files = filesOf(options.file, environment);
  const load = () => runReader(files, options.context, environment);
  const { endpoint, renewable } = await load();
  const { token } = endpoint;
  if (!renewable || token === undefined) return endpoint;
  return { ...endpoint, token: renewableToken(token, async () => (await load()).endpoint.token) };
}

function filesOf(file: string | undefined, environment: Record<string, string | undefined>): string[] {
  if (file !== undefined) return [file];
  const named = environment.KUBECONFIG?.split(path.delimiter).filter((name) => name !== '') ?? [];
  return named.length > 0 ? named : [path.join(environment.HOME || homedir(), '.kube', 'config')];
}

async function runReader(
  files: string[],
  context: string | undefined,
  environment: Record<string, string | undefined>,
): Promise<Extract<KubeconfigReading, { renewable: boolean }>> {
  const args = [READER, context ?? '', ...files];
  const cache = getCompileCacheDir();
  const env = { ...process.env, ...(cache && { NODE_COMPILE_CACHE: cache }), ...environment };
  let reading: KubeconfigReading;
  try {
    const { stdout } = await promisify(execFile)(process.execPath, args, { env, timeout: READ_WITHIN_MS });
    reading = JSON.parse(stdout);
  } catch (error) {
    throw new KubeconfigError(files, context, problemOf(error));
  }
  if ('problem' in reading) throw new KubeconfigError(files, reading.context, reading.problem);
  return reading;
}

/** Neither the command line nor what the program printed may stand in a message. */
function problemOf(error: unknown): string {
  if ((error as { killed?: boolean }).killed) return 'it could not be read in time';
  if (existsSync(READER)) return 'it could not be read';
  return 'the image of the relay reads none, it uses the ServiceAccount of its pod: unset KUBECONFIG';
}

/** All requests share one token; those that find it refused wait for the same new one. */
function renewableToken(first: string, renew: () => Promise<string | undefined>): TokenSource {
  let token = first;
  let renewing: Promise<void> | undefined;
  return async (refused) => {
    if (refused === token) {
      renewing ??= renew()
        .then((renewed) => {
          token = renewed ?? token;
        })
        .finally(() => {
          renewing = undefined;
        });
      await renewing;
    }
    return token;
  };
}
