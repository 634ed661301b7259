/** Secrets with the credentials of one image repository, as docker and Kubernetes read them (Quay 7.1, 7.2). */
import type { RunSecrets } from '../runtime/redact.ts';
import type { KubeClient, ObjectRef } from './client.ts';
import { isAlreadyExists } from './errors.ts';
import { type OwnerReference, SECRETS, type Secret } from './resource.ts';

export const DOCKER_CONFIG_TYPE = 'kubernetes.io/dockerconfigjson';
const KEY = '.dockerconfigjson';

/** Hides a Secret from the web console; by it we also know what we made. */
export const INTERNAL_LABEL = { 'appstudio.redhat.com/internal': 'true' };

/** What a robot account needs to log in. */
export interface Login {
  username: string;
  token: string;
}

export interface DockerConfigSecret {
  namespace: string;
  name: string;
  /** The text of `dockerConfigJson`. */
  content: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  owner?: OwnerReference;
}

/** The name belongs to a Secret that we did not make. */
export class SecretConflictError extends Error {
  constructor(name: string) {
    super(`Secret ${name} exists and is not managed by this controller`);
    this.name = 'SecretConflictError';
  }
}

/**
 * The content of such a Secret: only `auth`, under the whole image URL (7.1).
 * @param secrets gets every form in which the token may turn up in a text
 */
export function dockerConfigJson(imageUrl: string, login: Login, secrets: RunSecrets): string {
  const pair = `${login.username}:${login.token}`;
  const content = JSON.stringify({
    auths: { [imageUrl]: { auth: Buffer.from(pair).toString('base64') } },
  });
  for (const text of [login.token, pair, content]) secrets.add(text);
  return content;
}

/**
 * Makes the Secret, or gives the content to the one that exists, whose labels, owners and other keys stay. One of
 * another type is ours when it has our owner or label: then it is made anew. Equal content: nothing is written.
 * @throws SecretConflictError when one of another type is not ours; KubeError
 */
export async function ensureDockerConfigSecret(
  kube: KubeClient,
  secret: DockerConfigSecret,
  signal: AbortSignal,
): Promise<'created' | 'updated' | 'unchanged'> {
  const ref: ObjectRef = { namespace: secret.namespace, name: secret.name };
  const stored = await kube.get<Secret>(SECRETS, ref, signal);
  if (!stored) {
    try {
      await kube.create(SECRETS, { namespace: secret.namespace }, bodyOf(secret), signal);
      return 'created';
    } catch (error) {
      // Somebody was quicker: look at theirs.
      if (isAlreadyExists(error)) return ensureDockerConfigSecret(kube, secret, signal);
      throw error;
    }
  }
  if (stored.type !== DOCKER_CONFIG_TYPE) {
    if (!isOurs(stored, secret.owner)) throw new SecretConflictError(secret.name);
    await kube.delete(SECRETS, ref, { uid: stored.metadata.uid }, signal);
    await kube.create(SECRETS, { namespace: secret.namespace }, bodyOf(secret), signal);
    return 'created';
  }
  const value = encode(secret.content);
  if (stored.data?.[KEY] === value) return 'unchanged';
  await kube.patch(SECRETS, ref, { data: { [KEY]: value } }, signal);
  return 'updated';
}

function bodyOf({ namespace, name, content, labels, annotations, owner }: DockerConfigSecret): object {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      namespace,
      name,
      ...(labels && { labels }),
      ...(annotations && { annotations }),
      ...(owner && { ownerReferences: [owner] }),
    },
    type: DOCKER_CONFIG_TYPE,
    data: { [KEY]: encode(content) },
  };
}

function isOurs({ metadata }: Secret, owner: OwnerReference | undefined): boolean {
  const owned = metadata.ownerReferences?.some(({ uid }) => uid === owner?.uid) ?? false;
  return owned || Object.entries(INTERNAL_LABEL).some(([key, value]) => metadata.labels?.[key] === value);
}

function encode(text: string): string {
  return Buffer.from(text).toString('base64');
}
