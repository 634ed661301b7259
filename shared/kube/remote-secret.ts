/**
 * `RemoteSecret` (Quay 7.3): a kind of somebody else, whose controller writes a Secret into several namespaces and links
 * it. We only make the object, and hand the data over in an upload Secret that its controller takes away.
 */
import type { Clock } from '../runtime/clock.ts';
import type { KubeClient } from './client.ts';
import { DOCKER_CONFIG_TYPE, ensureDockerConfigSecret, INTERNAL_LABEL } from './docker-config-secret.ts';
import { isAlreadyExists } from './errors.ts';
import { apiVersionOf, type OwnerReference, type Resource, SECRETS } from './resource.ts';

export const REMOTE_SECRETS: Resource = {
  group: 'appstudio.redhat.com',
  version: 'v1beta1',
  plural: 'remotesecrets',
  kind: 'RemoteSecret',
  namespaced: true,
};

/** What discovery said is believed for so long (7.4). */
const BELIEVED_MS = 5 * 60_000;

const asked = new Map<string, { served: boolean; until: number }>();

export interface RemoteSecretRequest {
  namespace: string;
  /** Of the RemoteSecret and of the Secret that it manages. */
  name: string;
  owner: OwnerReference;
  /** Beside the internal one. */
  labels?: Record<string, string>;
  /** The service account that shall name the Secret; none: nobody. */
  serviceAccount?: string;
}

/** Whether the cluster serves RemoteSecrets. */
export async function servesRemoteSecrets(
  source: { kube: KubeClient; cluster: string; clock: Clock },
  signal: AbortSignal,
): Promise<boolean> {
  const { kube, cluster, clock } = source;
  const known = asked.get(cluster);
  if (known && known.until > clock.now()) return known.served;
  const list = await kube.getPath<{ resources?: { name: string }[] }>(
    `/apis/${apiVersionOf(REMOTE_SECRETS)}`,
    signal,
  );
  const served = list?.resources?.some(({ name }) => name === REMOTE_SECRETS.plural) ?? false;
  asked.set(cluster, { served, until: clock.now() + BELIEVED_MS });
  return served;
}

/** Makes the RemoteSecret. One that exists is left as it is: others extend its targets. */
export async function ensureRemoteSecret(
  kube: KubeClient,
  request: RemoteSecretRequest,
  signal: AbortSignal,
): Promise<void> {
  const { namespace, name, owner, labels, serviceAccount } = request;
  const reference = { serviceAccount: { reference: { name: serviceAccount } } };
  const body = {
    apiVersion: apiVersionOf(REMOTE_SECRETS),
    kind: REMOTE_SECRETS.kind,
    metadata: { namespace, name, labels: { ...INTERNAL_LABEL, ...labels }, ownerReferences: [owner] },
    spec: {
      secret: { name, type: DOCKER_CONFIG_TYPE, ...(serviceAccount && { linkedTo: [reference] }) },
      targets: [{ namespace }],
    },
  };
  try {
    await kube.create(REMOTE_SECRETS, { namespace }, body, signal);
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
}

/** Hands data over to a RemoteSecret. What was handed over before and not taken yet is replaced. */
export async function uploadToRemoteSecret(
  kube: KubeClient,
  { namespace, name, content }: { namespace: string; name: string; content: string },
  signal: AbortSignal,
): Promise<void> {
  await ensureDockerConfigSecret(
    kube,
    {
      namespace,
      name: uploadSecretName(name),
      content,
      labels: { 'appstudio.redhat.com/upload-secret': 'remotesecret' },
      annotations: { 'appstudio.redhat.com/remotesecret-name': name },
    },
    signal,
  );
}

/** Takes back what nobody has taken: its RemoteSecret goes. */
export async function withdrawUpload(
  kube: KubeClient,
  { namespace, name }: { namespace: string; name: string },
  signal: AbortSignal,
): Promise<void> {
  await kube.delete(SECRETS, { namespace, name: uploadSecretName(name) }, {}, signal);
}

function uploadSecretName(remoteSecret: string): string {
  return `upload-secret-${remoteSecret}`;
}
