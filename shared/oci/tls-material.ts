/** TLS material of `certSecretRef` (IR-TLS-1 to 5). */
import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls';
import type { SecretData } from '../kube/secret-reader.ts';
import { AccessError } from './errors.ts';
import { LruMap } from './lru-map.ts';

/** What a connection presents and trusts beside the system's roots. */
export interface TlsMaterial {
  /** Hash of the content: connections are shared by it. */
  fingerprint: string;
  context: SecureContext;
}

const KEYS = {
  cert: { current: 'tls.crt', older: 'certFile' },
  key: { current: 'tls.key', older: 'keyFile' },
  ca: { current: 'ca.crt', older: 'caFile' },
} as const;

type Part = keyof typeof KEYS;

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/** Parsing the system's roots takes milliseconds: the same material is prepared once a process. */
const prepared = new LruMap<string, TlsMaterial>(64);

/** TLS without a Secret. */
let plainMaterial: TlsMaterial | undefined;

/** The system's roots, no client certificate, TLS 1.2 or newer. */
export function systemTls(): TlsMaterial {
  plainMaterial ??= { fingerprint: '', context: createSecureContext({ minVersion: 'TLSv1.2' }) };
  return plainMaterial;
}

/**
 * The system's roots and the certificates of a PEM text.
 * @param where names its source in messages; @param name the part of the source
 * @throws AccessError naming both when there is no certificate in it
 */
export function trustAlso(text: string, where: string, name: string): TlsMaterial {
  return material(where, { ca: { name, text } });
}

/**
 * Reads a TLS Secret of any type.
 * @param warnings gets a note for each older key that was used
 * @throws AccessError with the texts of IR-TLS-2
 */
export function readTlsSecret(secret: SecretData, warnings: string[]): TlsMaterial {
  const where = `secret '${secret.namespace}/${secret.name}'`;
  const cert = pick(secret, 'cert', warnings);
  const key = pick(secret, 'key', warnings);
  const ca = pick(secret, 'ca', warnings);
  if (cert && !key) throw incomplete(where, cert.name, KEYS.key.current);
  if (key && !cert) throw incomplete(where, key.name, KEYS.cert.current);
  if (!ca && !cert) {
    throw new AccessError(`${where} must contain either 'ca.crt' or both 'tls.crt' and 'tls.key'`);
  }
  return material(where, { ca, cert, key });
}

/** Prepared once a process for the same content. */
function material(where: string, { ca, cert, key }: Partial<Record<Part, Chosen>>): TlsMaterial {
  const fingerprint = hash([ca?.text, cert?.text, key?.text]);
  const known = prepared.get(fingerprint);
  if (known) return known;
  const fresh = { fingerprint, context: createContext(where, ca, cert, key) };
  prepared.set(fingerprint, fresh);
  return fresh;
}

interface Chosen {
  name: string;
  text: string;
}

/** The current key when it exists, even empty; else the older one. Empty content is no content. */
function pick(secret: SecretData, part: Part, warnings: string[]): Chosen | undefined {
  const { current, older } = KEYS[part];
  const name = secret.data[current] === undefined ? older : current;
  const text = secret.data[name]?.toString('utf8').trim();
  if (!text) return undefined;
  if (name === older) {
    const where = `secret '${secret.namespace}/${secret.name}'`;
    warnings.push(`${where}: key '${older}' is deprecated, use '${current}'`);
  }
  return { name, text };
}

function createContext(where: string, ca?: Chosen, cert?: Chosen, key?: Chosen): SecureContext {
  const authorities = ca ? parseCertificates(where, ca) : undefined;
  if (cert && key) assertPair(where, cert, key);
  try {
    return createSecureContext({
      minVersion: 'TLSv1.2',
      ca: authorities && [...getCACertificates('default'), ...authorities],
      cert: cert?.text,
      key: key?.text,
    });
  } catch (error) {
    throw new AccessError(`${where}: TLS material cannot be used: ${codeOf(error)}`, { cause: error });
  }
}

function parseCertificates(where: string, { name, text }: Chosen): string[] {
  const blocks = text.match(PEM_CERTIFICATE) ?? [];
  if (blocks.length === 0) throw new AccessError(`${where}: '${name}' holds no PEM certificate`);
  for (const block of blocks) parseCertificate(where, name, block);
  return blocks;
}

function parseCertificate(where: string, name: string, pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (error) {
    throw new AccessError(`${where}: '${name}' cannot be parsed as PEM certificate`, { cause: error });
  }
}

function assertPair(where: string, cert: Chosen, key: Chosen): void {
  const [first = ''] = parseCertificates(where, cert);
  let privateKey: ReturnType<typeof createPrivateKey>;
  try {
    privateKey = createPrivateKey(key.text);
  } catch (error) {
    throw new AccessError(`${where}: '${key.name}' cannot be parsed as PEM private key`, { cause: error });
  }
  if (!parseCertificate(where, cert.name, first).checkPrivateKey(privateKey)) {
    throw new AccessError(`${where}: '${cert.name}' and '${key.name}' do not belong together`);
  }
}

function incomplete(where: string, present: string, absent: string): AccessError {
  return new AccessError(`${where} contains '${present}' but missing '${absent}'`);
}

function hash(parts: (string | undefined)[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

/** OpenSSL's code without its text, which may quote what it read. */
function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown error';
}
