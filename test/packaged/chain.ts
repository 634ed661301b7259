/**
 * The deployed chain without an account: relay → AWS SDK → Invoke endpoint → packaged function in a process of its own,
 * which reaches the cluster with a ServiceAccount's token and no more rights than IR-RUN-1 names.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleFunction } from '../../infra/bundle/bundle.ts';
import { listFunctions } from '../../infra/bundle/functions.ts';
import { createZip } from '../../infra/bundle/zip.ts';
import { createLambdaTarget } from '../../infra/relay/dispatch-lambda.ts';
import { RELAY_KINDS } from '../../infra/relay/kinds.ts';
import { startRelay } from '../../infra/relay/relay.ts';
import type { KubeClient } from '../../shared/kube/client.ts';
import { NAMESPACES, type Resource, SERVICE_ACCOUNTS } from '../../shared/kube/resource.ts';
import { createTokenMint } from '../../shared/kube/token-access.ts';
import type { ClusterEndpoint, KubeTransport } from '../../shared/kube/transport.ts';
import { systemClock } from '../../shared/runtime/clock.ts';
import { createLogger } from '../../shared/runtime/logger.ts';
import { readSettings } from '../../shared/runtime/settings.ts';
import { type InvokeEndpoint, startInvokeEndpoint } from './invoke-endpoint.ts';

const FUNCTION_PREFIX = 'longshore-test-';
export const CLUSTER_ID = 'chain';

/** As Lambda gives them to a function, and a pod's identity to the relay. The endpoint looks at their form only. */
const AWS_CREDENTIALS = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'testtesttest' };

export interface ChainOptions {
  cluster: { endpoint: ClusterEndpoint; kube: KubeClient; transport: KubeTransport };
  /** Where the functions keep tag records and artifacts. */
  storage: { bucket: string; endpoint: string };
  /** What the URLs of artifacts begin with; where nobody downloads, any will do. */
  artifactBaseUrl?: string;
  /** Settings of the functions beside those that they all need. */
  environment?: Record<string, string>;
  /** Give the ServiceAccount its rights: the embedded control plane knows no RBAC. */
  rbac: boolean;
}

export interface Chain {
  /** The only namespace that the relay serves. */
  namespace: string;
  /** Name of the function in the account. */
  functionName: string;
  endpoint: InvokeEndpoint;
  /** Lines of the relay's log. */
  relayLog: string[];
  stop(): Promise<void>;
}

/** Packages the functions and starts everything between the cluster and the store. */
export async function startChain(options: ChainOptions): Promise<Chain> {
  const { cluster, storage, rbac, artifactBaseUrl = 'http://artifacts.test' } = options;
  const { kube, transport, endpoint: api } = cluster;
  const folder = await mkdtemp(join(tmpdir(), 'longshore-zips-'));
  const functions = await packageFunctions(folder, FUNCTION_PREFIX, {
    ...AWS_CREDENTIALS,
    STORAGE_BUCKET: storage.bucket,
    STORAGE_ENDPOINT: storage.endpoint,
    ALLOW_LOOPBACK_ADDRESSES: 'true',
    ARTIFACT_BASE_URL: artifactBaseUrl,
    ...options.environment,
  });
  const endpoint = await startInvokeEndpoint(functions);
  const { namespace, serviceAccount } = await createIdentity(kube, rbac);
  const mint = createTokenMint(kube, systemClock, { namespace, serviceAccount, seconds: 600 });
  Object.assign(process.env, AWS_CREDENTIALS);
  const stopping = new AbortController();
  const relayLog: string[] = [];
  const relay = startRelay({
    transport,
    kube,
    kinds: RELAY_KINDS,
    target: createLambdaTarget({
      prefix: FUNCTION_PREFIX,
      endpoint: endpoint.url,
      region: 'us-east-1',
      maxSockets: 16,
    }),
    access: async () => ({
      provider: 'token',
      server: api.server,
      ...(api.ca && { caData: api.ca }),
      token: await mint(stopping.signal),
    }),
    settings: readSettings('relay', ['--namespace', namespace, '--cluster-id', CLUSTER_ID], {}),
    clock: systemClock,
    random: Math.random,
    log: createLogger('info', (line) => relayLog.push(line)),
  });
  return {
    namespace,
    functionName: `${FUNCTION_PREFIX}image-repository`,
    endpoint,
    relayLog,
    async stop() {
      await relay.stop();
      stopping.abort(new Error('the chain stops'));
      await endpoint.close();
      await rm(folder, { recursive: true });
    },
  };
}

/** The zips that would be deployed, by the names that they would have. */
export async function packageFunctions(folder: string, prefix: string, environment: Record<string, string>) {
  const packaged = listFunctions().map(async (source) => {
    const zip = join(folder, `${source.name}.zip`);
    await writeFile(zip, createZip((await bundleFunction(source)).files));
    return [prefix + source.name, { zip, environment }] as const;
  });
  return Object.fromEntries(await Promise.all(packaged));
}

const CLUSTER_ROLES = rbacResource('clusterroles', 'ClusterRole', false);
const CLUSTER_ROLE_BINDINGS = rbacResource('clusterrolebindings', 'ClusterRoleBinding', false);

function rbacResource(plural: string, kind: string, namespaced: boolean): Resource {
  return { group: 'rbac.authorization.k8s.io', version: 'v1', plural, kind, namespaced };
}

/** Rights of the functions in the cluster (IR-RUN-1, OCI 2.3, Quay 16.2). */
const RULES = [
  rule('image.toolkit.fluxcd.io', ['imagerepositories'], ['get', 'list', 'watch', 'update', 'patch']),
  rule('image.toolkit.fluxcd.io', ['imagerepositories/status'], ['get', 'patch']),
  rule('image.toolkit.fluxcd.io', ['imagepolicies'], ['get', 'update', 'patch']),
  rule('image.toolkit.fluxcd.io', ['imagepolicies/status'], ['get', 'patch']),
  rule('source.toolkit.fluxcd.io', ['ocirepositories'], ['get', 'update', 'patch']),
  rule('source.toolkit.fluxcd.io', ['ocirepositories/status'], ['get', 'patch']),
  rule('appstudio.redhat.com', ['imagerepositories'], ['get', 'list', 'patch']),
  rule('appstudio.redhat.com', ['imagerepositories/status'], ['patch']),
  rule('appstudio.redhat.com', ['components'], ['get', 'patch']),
  rule('appstudio.redhat.com', ['remotesecrets'], ['create']),
  rule('', ['namespaces'], ['get']),
  rule('', ['secrets'], ['get', 'create', 'patch', 'delete']),
  rule('', ['serviceaccounts'], ['get', 'patch']),
  rule('', ['serviceaccounts/token'], ['create']),
  rule('', ['events'], ['create', 'patch']),
];

function rule(group: string, resources: string[], verbs: string[]) {
  return { apiGroups: [group], resources, verbs };
}

/** A namespace with a ServiceAccount for the functions. */
async function createIdentity(kube: KubeClient, rbac: boolean) {
  const made = await kube.create(NAMESPACES, {}, { metadata: { generateName: 'chain-' } });
  const namespace = made.metadata.name;
  const serviceAccount = 'longshore-functions';
  await kube.create(SERVICE_ACCOUNTS, { namespace }, { metadata: { name: serviceAccount } });
  if (rbac) {
    const name = `longshore-${namespace}`;
    await kube.create(CLUSTER_ROLES, {}, { metadata: { name }, rules: RULES });
    const roleRef = { apiGroup: CLUSTER_ROLES.group, kind: CLUSTER_ROLES.kind, name };
    const subjects = [{ kind: 'ServiceAccount', name: serviceAccount, namespace }];
    await kube.create(CLUSTER_ROLE_BINDINGS, {}, { metadata: { name }, roleRef, subjects });
  }
  return { namespace, serviceAccount };
}
