/** What stands in tests for the controller of RemoteSecrets (Quay B.5): its kind, and the three rules that we see of it. */
import { join } from 'node:path';
import type { KubeClient } from '../../shared/kube/client.ts';
import { REMOTE_SECRETS } from '../../shared/kube/remote-secret.ts';
import { type KubeObject, SECRETS, SERVICE_ACCOUNTS } from '../../shared/kube/resource.ts';

/** For `embeddedWith` and `startKubeApiServer`. */
export const REMOTE_SECRET_CRDS = join(import.meta.dirname, 'crds');

const UPLOAD_LABEL = 'appstudio.redhat.com/upload-secret=remotesecret';
const NAME_ANNOTATION = 'appstudio.redhat.com/remotesecret-name';

interface SecretObject extends KubeObject {
  type?: string;
  data?: Record<string, string>;
}

interface RemoteSecret extends KubeObject {
  spec: {
    secret: {
      name: string;
      type: string;
      linkedTo?: { serviceAccount: { reference: { name: string } } }[];
    };
    targets?: { namespace: string }[];
  };
}

interface Account extends KubeObject {
  secrets?: { name: string }[];
}

/**
 * One pass of the controller over a namespace: takes every upload Secret, writes the Secrets that it is for into the
 * target namespaces, links them, deletes the upload Secret.
 * @returns names of the RemoteSecrets that got data
 */
export async function deliverUploads(kube: KubeClient, namespace: string): Promise<string[]> {
  const { items } = await kube.list<SecretObject>(SECRETS, { namespace, labelSelector: UPLOAD_LABEL });
  const delivered: string[] = [];
  for (const upload of items) {
    const name = upload.metadata.annotations?.[NAME_ANNOTATION] ?? '';
    const remote = await kube.get<RemoteSecret>(REMOTE_SECRETS, { namespace, name });
    if (!remote) continue;
    for (const target of remote.spec.targets ?? []) await deliver(kube, remote, target.namespace, upload);
    await kube.delete(SECRETS, { namespace, name: upload.metadata.name });
    delivered.push(name);
  }
  return delivered.sort();
}

async function deliver(
  kube: KubeClient,
  { spec }: RemoteSecret,
  namespace: string,
  { data }: SecretObject,
): Promise<void> {
  const { name, type, linkedTo = [] } = spec.secret;
  if (await kube.get(SECRETS, { namespace, name })) await kube.patch(SECRETS, { namespace, name }, { data });
  else {
    const labels = { 'appstudio.redhat.com/linked-by-remote-secret': 'true' };
    const body = { apiVersion: 'v1', kind: 'Secret', metadata: { name, labels }, type, data };
    await kube.create(SECRETS, { namespace }, body);
  }
  for (const { serviceAccount } of linkedTo) {
    const ref = { namespace, name: serviceAccount.reference.name };
    const account = await kube.get<Account>(SERVICE_ACCOUNTS, ref);
    if (!account || account.secrets?.some((secret) => secret.name === name)) continue;
    await kube.patch(SERVICE_ACCOUNTS, ref, { secrets: [...(account.secrets ?? []), { name }] });
  }
}
