/**
 * The embedded control plane: a Kubernetes API for `longshore up`, tests and benchmarks, just big enough for kubectl
 * and for us (design section 6). Every authenticated caller may do everything.
 */
import { mkdir } from 'node:fs/promises';
import { customResourceDefinition } from '../../../shared/api/crd.ts';
import type { Kind } from '../../../shared/api/kind.ts';
import { KINDS } from '../../../shared/api/kinds.ts';
import type { ClusterEndpoint } from '../../../shared/kube/transport.ts';
import { type Clock, systemClock } from '../../../shared/runtime/clock.ts';
import { type Logger, silentLogger } from '../../../shared/runtime/logger.ts';
import { ClusterState } from './cluster-state.ts';
import { publishDefinitions } from './crd-objects.ts';
import { customResource } from './custom-resource.ts';
import { startGarbageController } from './garbage-controller.ts';
import { listen } from './https-server.ts';
import { kubeconfigText } from './kubeconfig-text.ts';
import { startNamespaceController } from './namespace-controller.ts';
import { Registry } from './registry.ts';
import { Router } from './router.ts';
import type { ServerContext } from './server-context.ts';
import { loadServerIdentity } from './tls.ts';
import { Tokens } from './tokens.ts';

export interface ApiServerOptions {
  /** 0: any free port. */
  port: number;
  /** Where objects, certificates and tokens are kept: the same after a restart. */
  dataFolder: string;
  /** Default: every kind of `shared/api`. */
  kinds?: readonly Kind[];
  clock?: Clock;
  log?: Logger;
  /** From 0 to below 1; spreads time limits of watches and makes up names. */
  random?: () => number;
}

export interface ApiServer {
  /** `https://127.0.0.1:PORT`. */
  url: string;
  /** Text of a kubeconfig file; it holds the administrator's token. */
  kubeconfig: string;
  endpoint: ClusterEndpoint;
  /** Ends every watch, waits for running requests, and puts everything on disk. */
  close(): Promise<void>;
}

/** @throws Error when the port is taken (`EADDRINUSE`) or the data folder cannot be used */
export async function startApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const {
    port,
    dataFolder,
    kinds = KINDS,
    clock = systemClock,
    log = silentLogger,
    random = Math.random,
  } = options;
  await mkdir(dataFolder, { recursive: true, mode: 0o700 });
  const identity = await loadServerIdentity(dataFolder, clock.now());
  const tokens = await Tokens.load(dataFolder, () => clock.now());
  const state = await ClusterState.open(dataFolder, (error) =>
    log.error('cannot store objects: they are in memory only', { error }),
  );
  const context: ServerContext = {
    state,
    tokens,
    registry: new Registry(kinds.map(customResource)),
    now: () => clock.now(),
    random,
    after: (ms, callback) => clock.after(ms, callback),
  };
  publishDefinitions(context, kinds.map(customResourceDefinition));
  const stopNamespaces = startNamespaceController(context);
  const stopGarbage = startGarbageController(context);
  const onError = (error: unknown) => log.error('a request failed', { error });
  const server = await listen(context, new Router(context), identity, port, onError).catch(async (error) => {
    await state.close();
    throw error;
  });
  const url = `https://127.0.0.1:${server.port}`;
  return {
    url,
    kubeconfig: kubeconfigText(url, identity.ca, tokens.admin),
    endpoint: { server: url, ca: identity.ca, token: tokens.admin },
    async close() {
      stopNamespaces();
      stopGarbage();
      await server.close();
      await state.close();
    },
  };
}
