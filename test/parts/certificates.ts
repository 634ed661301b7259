/** Certificates for one test: an authority, and what it signs for 127.0.0.1. */
import 'reflect-metadata';
import type { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const HOUR_MS = 3_600_000;

/** PEM texts. */
export interface Pair {
  cert: string;
  key: string;
}

export interface Authority {
  /** PEM of its own certificate. */
  ca: string;
  /** For 127.0.0.1 and `host`, to serve with. */
  server(host?: string): Promise<Pair>;
  /** To be known by as `name`. */
  client(name?: string): Promise<Pair>;
}

/** An authority that is good for a day. */
export async function createAuthority(name = 'test-authority'): Promise<Authority> {
  x509.cryptoProvider.set(crypto);
  const keys = await generateKeys();
  const validity = {
    notBefore: new Date(Date.now() - HOUR_MS),
    notAfter: new Date(Date.now() + 24 * HOUR_MS),
  };
  const authority = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`,
    keys,
    signingAlgorithm: ALGORITHM,
    ...validity,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    ],
  });
  const issue = async (subject: string, usage: x509.ExtendedKeyUsage, host: string): Promise<Pair> => {
    const own = await generateKeys();
    const certificate = await x509.X509CertificateGenerator.create({
      subject: `CN=${subject}`,
      issuer: authority.subject,
      publicKey: own.publicKey,
      signingKey: keys.privateKey,
      signingAlgorithm: ALGORITHM,
      ...validity,
      extensions: [
        new x509.ExtendedKeyUsageExtension([usage]),
        new x509.SubjectAlternativeNameExtension([
          { type: 'ip', value: '127.0.0.1' },
          { type: 'dns', value: host },
        ]),
      ],
    });
    return { cert: certificate.toString('pem'), key: await privateKeyPem(own.privateKey) };
  };
  return {
    ca: authority.toString('pem'),
    server: (host = 'localhost') => issue('server', x509.ExtendedKeyUsage.serverAuth, host),
    client: (subject = 'client') => issue(subject, x509.ExtendedKeyUsage.clientAuth, 'localhost'),
  };
}

function generateKeys() {
  return crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

async function privateKeyPem(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await crypto.subtle.exportKey('pkcs8', key)).toString('base64');
  return `-----BEGIN PRIVATE KEY-----\n${der.match(/.{1,64}/g)!.join('\n')}\n-----END PRIVATE KEY-----\n`;
}
