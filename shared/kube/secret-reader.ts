/** Reads the Secrets and service accounts that an object names, by name, for one run (IR-AUTH-3, IR-AUTH-5, principle 5). */
import { RetryError } from '../runtime/errors.ts';
import type { RunSecrets } from '../runtime/redact.ts';
import type { KubeClient } from './client.ts';
import { SECRETS, SERVICE_ACCOUNTS, type Secret, type ServiceAccount } from './resource.ts';

/** A Secret with decoded values. */
export interface SecretData {
  namespace: string;
  name: string;
  type: string;
  data: Record<string, Buffer>;
}

export interface ServiceAccountData {
  namespace: string;
  name: string;
  annotations: Record<string, string>;
  /** Names of the Secrets in `imagePullSecrets`, in their order. */
  imagePullSecrets: string[];
}

/** What is missing is an error with the texts of IR-AUTH-3; the caller knows which condition shows it. */
export interface SecretReader {
  secret(name: string, signal: AbortSignal): Promise<SecretData>;
  serviceAccount(name: string, signal: AbortSignal): Promise<ServiceAccountData>;
}

/**
 * A reader for the namespace of one object. Nothing that it read outlives it; within the run one Secret is read once,
 * however often the object names it. Each value is added to `secrets`, so that no text of the run can show it.
 */
export function createSecretReader(options: {
  kube: KubeClient;
  namespace: string;
  secrets: RunSecrets;
}): SecretReader {
  const { kube, namespace, secrets } = options;
  const read = new Map<string, Promise<SecretData>>();

  async function readSecret(name: string, signal: AbortSignal): Promise<SecretData> {
    const secret = await kube.get<Secret>(SECRETS, { namespace, name }, signal);
    if (!secret) throw new RetryError('NotFound', `secret '${namespace}/${name}' not found`);
    const data: Record<string, Buffer> = {};
    for (const [key, value] of Object.entries(secret.data ?? {})) {
      data[key] = Buffer.from(value, 'base64');
      secrets.add(data[key].toString());
    }
    return { namespace, name, type: secret.type ?? 'Opaque', data };
  }

  return {
    secret(name, signal) {
      const pending = read.get(name) ?? readSecret(name, signal);
      read.set(name, pending);
      return pending;
    },
    async serviceAccount(name, signal) {
      const account = await kube.get<ServiceAccount>(SERVICE_ACCOUNTS, { namespace, name }, signal);
      if (!account) throw new RetryError('NotFound', `serviceaccount '${namespace}/${name}' not found`);
      return {
        namespace,
        name,
        annotations: account.metadata.annotations ?? {},
        imagePullSecrets: (account.imagePullSecrets ?? []).map((reference) => reference.name),
      };
    },
  };
}
