/** Where Quay is and as whom we speak to it: Secret `quaytoken` and settings (spec 2). Read anew for every run. */
import { readFile } from 'node:fs/promises';
import type { KubeClient } from '../kube/client.ts';
import { KubeError } from '../kube/errors.ts';
import { SECRETS, type Secret } from '../kube/resource.ts';
import { AccessError } from '../oci/errors.ts';
import { type ProxyChoice, processProxies } from '../oci/proxy.ts';
import { systemTls, type TlsMaterial, trustAlso } from '../oci/tls-material.ts';
import { messageOf } from '../runtime/errors.ts';
import type { RunSecrets } from '../runtime/redact.ts';
import type { Settings } from '../runtime/settings.ts';
import { QuayError } from './errors.ts';
import { QUAY_TOKEN_SECRET } from './token-secret.ts';

export const DEFAULT_QUAY_API_URL = 'https://quay.io/api/v1';

export interface QuayAccess {
  /** Without a slash at its end. */
  apiUrl: string;
  organization: string;
  token: string;
  /** What stands before the organization in an image URL: host, and port if any. */
  registryHost: string;
  tls: TlsMaterial;
  proxyFor: ProxyChoice;
}

/** What decides the access; the flags win over the Secret (2.2). */
export type QuaySettings = Pick<
  Settings,
  'quay-api-url' | 'quay-org' | 'quay-registry-host' | 'quay-additional-ca'
>;

const WHERE = `secret '${QUAY_TOKEN_SECRET.namespace}/${QUAY_TOKEN_SECRET.name}'`;
const ORGANIZATION = /^[a-z0-9][a-z0-9._-]*$/i;
/** What a header can carry. */
const TOKEN = /^[\x21-\x7e]+$/;

/**
 * Reads the token and what belongs to it. The token is added to `secrets`, so that no text of the run can show it.
 * @throws QuayError `configuration` naming what is missing, unusable or forbidden; KubeError when the Secret cannot be read
 */
export async function readQuayAccess(
  source: { kube: KubeClient; settings: QuaySettings; secrets: RunSecrets; proxies?: ProxyChoice },
  signal: AbortSignal,
): Promise<QuayAccess> {
  const { kube, settings, secrets } = source;
  const secret = await kube.get<Secret>(SECRETS, QUAY_TOKEN_SECRET, signal).catch((error: unknown) => {
    const isForbidden = error instanceof KubeError && error.status === 403;
    throw isForbidden ? problem(`${WHERE} cannot be read: ${error.message}`) : error;
  });
  if (!secret) throw problem(`${WHERE} not found`);
  const value = (key: string) =>
    Buffer.from(secret.data?.[key] ?? '', 'base64')
      .toString('utf8')
      .trim();
  const token = value('quaytoken');
  if (token === '') throw problem(`${WHERE}: key 'quaytoken' is missing or empty`);
  secrets.add(token);
  if (!TOKEN.test(token)) throw problem(`${WHERE}: key 'quaytoken' holds more than one word of plain text`);
  const organization = settings['quay-org'] || value('organization');
  if (organization === '') throw problem(`${WHERE}: key 'organization' is missing or empty`);
  if (!ORGANIZATION.test(organization))
    throw problem(`${WHERE}: key 'organization' is no name of an organization`);
  const url = parseApiUrl(settings['quay-api-url'] || value('quayapiurl') || DEFAULT_QUAY_API_URL);
  try {
    return {
      apiUrl: url.href.replace(/\/+$/, ''),
      organization,
      token,
      registryHost: settings['quay-registry-host'] || url.host,
      tls: await readTrust(settings['quay-additional-ca'], value('ca.crt')),
      proxyFor: source.proxies ?? processProxies(),
    };
  } catch (error) {
    throw error instanceof AccessError ? problem(error.message) : error;
  }
}

function parseApiUrl(text: string): URL {
  const url = URL.parse(text);
  const usable = url && /^https?:$/.test(url.protocol) && url.hostname !== '' && url.username === '';
  if (!usable || url.search !== '' || url.hash !== '') {
    throw problem(
      `the API URL of Quay (--quay-api-url, or key 'quayapiurl' of ${WHERE}) is no http or https URL`,
    );
  }
  return url;
}

async function readTrust(file: string, fromSecret: string): Promise<TlsMaterial> {
  if (file === '') return fromSecret === '' ? systemTls() : trustAlso(fromSecret, WHERE, 'ca.crt');
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw problem(`--quay-additional-ca: ${messageOf(error)}`);
  }
  return trustAlso(text, '--quay-additional-ca', file);
}

function problem(message: string): QuayError {
  return new QuayError('configuration', message);
}
