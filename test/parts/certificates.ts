/** Certificates for one test: an authority, and what it signs for 127.0.0.1. */
import 'reflect-metadata';
import type { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

export interface Pair {
  /** PEM. */
  cert: string;
  key: string;
}

export interface Authority {
  /** PEM of its own certificate. */
  ca: string;
  server(): Promise<Pair>;
  client(): Promise<Pair>;
}

export async function createAuthority(): Promise<Authority> {
  x509.cryptoProvider.set(crypto);
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const authority = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=test-authority',
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [new x509.BasicConstraintsExtension(true, 0, true)],
  });
  const issue = async (usage: x509.ExtendedKeyUsage): Promise<Pair> => {
    const own = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
    const certificate = await x509.X509CertificateGenerator.create({
      subject: 'CN=test',
      issuer: authority.subject,
      publicKey: own.publicKey,
      signingKey: keys.privateKey,
      signingAlgorithm: ALGORITHM,
      extensions: [
        new x509.ExtendedKeyUsageExtension([usage]),
        new x509.SubjectAlternativeNameExtension([{ type: 'ip', value: '127.0.0.1' }]),
      ],
    });
    return { cert: certificate.toString('pem'), key: await privateKeyPem(own.privateKey) };
  };
  return {
    ca: authority.toString('pem'),
    server: () => issue(x509.ExtendedKeyUsage.serverAuth),
    client: () => issue(x509.ExtendedKeyUsage.clientAuth),
  };
}

async function privateKeyPem(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await crypto.subtle.exportKey('pkcs8', key)).toString('base64');
  return `-----BEGIN PRIVATE KEY-----\n${der.match(/.{1,64}/g)!.join('\n')}\n-----END PRIVATE KEY-----\n`;
}
