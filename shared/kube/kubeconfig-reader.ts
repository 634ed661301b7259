/**
 * Reads a kubeconfig with `@kubernetes/client-node`: contexts, certificates, exec plugins. It is a program of its own
 * (`kubeconfig.ts` starts it), because that library stays in the memory of whoever imports it: 60 MiB, for good.
 */
import { existsSync, readFileSync } from 'node:fs';
import type { RequestOptions } from 'node:https';
import path from 'node:path';
import type { KubeConfig, User } from '@kubernetes/client-node';
import { messageOf } from '../runtime/errors.ts';
import { redact } from '../runtime/redact.ts';
import type { ClusterEndpoint } from './transport.ts';

/** What the program prints, as one line of JSON. */
export type KubeconfigReading =
  | {
      endpoint: ClusterEndpoint & { token?: string } /** A plugin gave the token: it can give another one. */;
      renewable: boolean;
    }
  | { context: string | undefined; problem: string };

/**
 * The endpoint that a context names. An exec plugin runs once.
 * @param files the first that says something wins, as with kubectl
 * @param context left out: the current one
 */
export async function readKubeconfig(files: string[], context?: string): Promise<KubeconfigReading> {
  let name = context;
  try {
    const config = await readConfig(files, context);
    name = config.getCurrentContext();
    const cluster = config.getCurrentCluster()!;
    const user = config.getCurrentUser();
    const endpoint = {
      server: cluster.server,
      ca: pem(cluster.caFile, cluster.caData),
      ...(cluster.tlsServerName && { serverName: cluster.tlsServerName }),
      ...(cluster.skipTLSVerify && { insecureSkipVerify: true }),
      ...(cluster.proxyUrl && { proxyUrl: cluster.proxyUrl }),
      ...(user && (await identityOf(config, user))),
    };
    return { endpoint, renewable: user !== null && usesPlugin(user) && endpoint.token !== undefined };
  } catch (error) {
    return { context: name, problem: redact(messageOf(error)) };
  }
}

function usesPlugin(user: User): boolean {
  return Boolean(user.exec || user.authProvider);
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
): Promise<Pick<ClusterEndpoint, 'impersonate' | 'cert' | 'key'> & { token?: string }> {
  const impersonate = user.impersonateUser ? { impersonate: user.impersonateUser } : {};
  if (usesPlugin(user)) return { ...impersonate, ...(await askPlugin(config)) };
  if (user.username) throw new Error('API servers accept no user names with passwords any more');
  return {
    ...impersonate,
    cert: pem(user.certFile, user.certData),
    key: pem(user.keyFile, user.keyData),
    ...(user.token && { token: user.token.trim() }),
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

if (import.meta.main) {
  const [context, ...files] = process.argv.slice(2);
  process.stdout.write(JSON.stringify(await readKubeconfig(files, context || undefined)));
}
