/**
 * Access by a kubeconfig file: contexts, certificates, exec plugins. `@kubernetes/client-node` reads it, loaded when it
 * is needed: it costs 60 MiB and 200 ms, which nobody in a cluster or in a function pays (design section 3).
 */

import { existsSync, readFileSync } from 'node:fs';
import type { RequestOptions } from 'node:https';
import { homedir } from 'node:os';
import path from 'node:path';
import type { KubeConfig, User } from '@kubernetes/client-node';
import { type Clock, systemClock } from '../runtime/clock.ts';
import { messageOf } from '../runtime/errors.ts';
import { redact } from '../runtime/redact.ts';
import type { ClusterEndpoint, TokenSource } from './transport.ts';

export interface KubeconfigOptions {
  /** Path of the file; left out: `KUBECONFIG`, which may name several, then `~/.kube/config`. */
  file?: string;
  /** Name of the context; left out: the file's current one. */
  context?: string;
  clock?: Clock;
  environment?: Record<string, string | undefined>;
}

/** A kubeconfig that cannot be used. The message names file and context, never a credential. */
export class KubeconfigError extends Error {
  constructor(files: string[], context: string | undefined, cause: unknown) {
    const where = `kubeconfig ${files.join(', ')}${context === undefined ? '' : `, context '${context}'`}`;
    super(`${where}: ${redact(messageOf(cause))}`, { cause });
    this.name = 'KubeconfigError';
  }
}

/** A plugin is asked again after this time; it keeps its token by itself until that expires. */
const ASK_AGAIN_MS = 10_000;

/**
 * The endpoint that a context names. An exec plugin runs once now, and again whenever its token has expired or the
 * server refuses it.
 * @throws KubeconfigError
 */
export async function loadKubeconfig(options: KubeconfigOptions = {}): Promise<ClusterEndpoint> {
  const { clock = systemClock, environment = process.env } = options;
  const files = filesOf(options.file, environment);
  let { context } = options;
  try {
    const config = await readConfig(files, context);
    context = config.getCurrentContext();
    const cluster = config.getCurrentCluster()!;
    const user = config.getCurrentUser();
    return {
      server: cluster.server,
      ca: pem(cluster.caFile, cluster.caData),
      ...(cluster.tlsServerName && { serverName: cluster.tlsServerName }),
      ...(cluster.skipTLSVerify && { insecureSkipVerify: true }),
      ...(cluster.proxyUrl && { proxyUrl: cluster.proxyUrl }),
      ...(user && (await identityOf(config, user, clock, () => readConfig(files, context)))),
    };
  } catch (error) {
    throw new KubeconfigError(files, context, error);
  }
}

function filesOf(file: string | undefined, environment: Record<string, string | undefined>): string[] {
  if (file !== undefined) return [file];
  const named = environment.KUBECONFIG?.split(path.delimiter).filter((name) => name !== '') ?? [];
  return named.length > 0 ? named : [path.join(environment.HOME || homedir(), '.kube', 'config')];
}

/** Reads and merges the files as kubectl does: what comes first wins, files that are missing do not count. */
async function readConfig(files: string[], context: string | undefined): Promise<KubeConfig> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  config.loadFromOptions({ clusters: [], users: [], contexts: [], currentContext: context });
  const present = files.filter((file) => existsSync(file));
  if (present.length === 0) throw new Error('no such file');
  for (const file of present) {
    const part = new KubeConfig();
    loadFile(part, file);
    for (const cluster of part.clusters) if (!config.getCluster(cluster.name)) config.addCluster(cluster);
    for (const user of part.users) if (!config.getUser(user.name)) config.addUser(inFolderOf(file, user));
    for (const one of part.contexts) if (!config.getContextObject(one.name)) config.addContext(one);
    if (!config.getCurrentContext() && part.currentContext) config.setCurrentContext(part.currentContext);
  }
  checkContext(config);
  return config;
}

function loadFile(config: KubeConfig, file: string): void {
  try {
    config.loadFromFile(file);
  } catch (error) {
    // A parser's message quotes the lines around the mistake, which may hold a token.
    const { reason } = error as { reason?: string };
    if (reason) throw new Error(`it is no YAML: ${reason}`);
    throw error instanceof TypeError ? new Error('it is no kubeconfig') : error;
  }
}

function checkContext(config: KubeConfig): void {
  const name = config.getCurrentContext();
  const existing = config.contexts.map((context) => `'${context.name}'`).join(', ');
  if (existing === '') throw new Error('it has no contexts');
  if (!name) throw new Error(`it has no current context; name one of its contexts: ${existing}`);
  const context = config.getContextObject(name);
  if (!context) throw new Error(`there is no such context; its contexts: ${existing}`);
  if (!config.getCluster(context.cluster)) throw new Error(`there is no cluster '${context.cluster}'`);
  if (context.user && !config.getUser(context.user)) throw new Error(`there is no user '${context.user}'`);
}

/** A plugin that is named by a relative path is looked for beside its file. */
function inFolderOf(file: string, user: User): User {
  const command: string | undefined = user.exec?.command;
  if (!command?.includes('/') || path.isAbsolute(command)) return user;
  return { ...user, exec: { ...user.exec, command: path.resolve(path.dirname(file), command) } };
}

/** Who we are: certificate, token, or what a plugin says. */
async function identityOf(
  config: KubeConfig,
  user: User,
  clock: Clock,
  reload: () => Promise<KubeConfig>,
): Promise<Partial<ClusterEndpoint>> {
  const impersonate: Partial<ClusterEndpoint> = user.impersonateUser
    ? { impersonate: user.impersonateUser }
    : {};
  if (user.exec || user.authProvider) {
    const { cert, key, token } = await askPlugin(config);
    return {
      ...impersonate,
      cert,
      key,
      ...(token && { token: tokenOfPlugin(config, token, clock, reload) }),
    };
  }
  if (user.username) throw new Error('API servers accept no user names with passwords any more');
  return {
    ...impersonate,
    cert: pem(user.certFile, user.certData),
    key: pem(user.keyFile, user.keyData),
    ...(user.token && { token: user.token.trim() }),
  };
}

function tokenOfPlugin(
  config: KubeConfig,
  first: string,
  clock: Clock,
  reload: () => Promise<KubeConfig>,
): TokenSource {
  let current = config;
  let token = first;
  let askedAt = clock.now();
  return async (refused) => {
    if (refused === undefined && clock.now() - askedAt < ASK_AGAIN_MS) return token;
    // A fresh configuration has no token of the plugin in its memory.
    if (refused === token) current = await reload();
    token = (await askPlugin(current)).token ?? token;
    askedAt = clock.now();
    return token;
  };
}

interface Credential {
  cert?: string;
  key?: string;
  token?: string;
}

async function askPlugin(config: KubeConfig): Promise<Credential> {
  const exec: ExecPlugin | undefined = config.getCurrentUser()?.exec;
  if (exec) tellAboutCluster(exec, config);
  const options: RequestOptions = {};
  try {
    await config.applyToHTTPSOptions(options);
  } catch (error) {
    const name = exec ? `exec plugin '${path.basename(exec.command ?? '')}'` : 'auth provider';
    throw new Error(`${name}: ${messageOf(error)}`, { cause: error });
  }
  const authorization = (options.headers as Record<string, string> | undefined)?.Authorization;
  return {
    ...(options.cert && { cert: String(options.cert) }),
    ...(options.key && { key: String(options.key) }),
    ...(authorization && { token: authorization.replace(/^Bearer\s+/, '') }),
  };
}

/** `user.exec` of a kubeconfig (client.authentication.k8s.io). */
interface ExecPlugin {
  apiVersion?: string;
  command?: string;
  env?: { name: string; value: string }[] | null;
  provideClusterInfo?: boolean;
}

const EXEC_INFO = 'KUBERNETES_EXEC_INFO';

/** What kubectl tells a plugin through its environment, and client-node does not. */
function tellAboutCluster(exec: ExecPlugin, config: KubeConfig): void {
  const cluster = config.getCurrentCluster();
  const spec = {
    interactive: false,
    ...(exec.provideClusterInfo && {
      cluster: { server: cluster?.server, 'certificate-authority-data': cluster?.caData },
    }),
  };
  const value = JSON.stringify({ apiVersion: exec.apiVersion, kind: 'ExecCredential', spec });
  exec.env = [...(exec.env ?? []).filter(({ name }) => name !== EXEC_INFO), { name: EXEC_INFO, value }];
}

/** A PEM text that a kubeconfig has in a file or as base64. */
function pem(file: string | undefined, data: string | undefined): string | undefined {
  if (file) return readFileSync(file, 'utf8');
  return data ? Buffer.from(data, 'base64').toString() : undefined;
}
