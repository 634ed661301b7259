/** Access from inside a pod: the files of its ServiceAccount. */
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { type Clock, systemClock } from '../runtime/clock.ts';
import type { ClusterEndpoint, TokenSource } from './transport.ts';

/** The kubelet renews the file at 80 % of a token's life: a minute late is early enough. */
const REREAD_MS = 60_000;

/**
 * The endpoint of the cluster that this pod runs in.
 * @param folder where the ServiceAccount's files are
 * @throws Error that says what is missing
 */
export function loadInCluster(
  folder: string,
  environment: Record<string, string | undefined> = process.env,
  clock: Clock = systemClock,
): ClusterEndpoint {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = environment;
  if (!host || !port) {
    throw new Error('not inside a cluster: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set');
  }
  const ca = readText(path.join(folder, 'ca.crt'));
  const tokenFile = path.join(folder, 'token');
  readText(tokenFile);
  return {
    server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    ca,
    token: tokenFromFile(tokenFile, clock),
  };
}

/** The content of a file that somebody renews: read again after a minute, and at once when the server refuses it. */
export function tokenFromFile(file: string, clock: Clock): TokenSource {
  let token = '';
  let readAt = Number.NEGATIVE_INFINITY;
  return async (refused) => {
    if (refused === undefined && clock.now() - readAt < REREAD_MS) return token;
    token = (await readFile(file, 'utf8')).trim();
    readAt = clock.now();
    return token;
  };
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Error(`the ServiceAccount of this pod is not mounted: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
