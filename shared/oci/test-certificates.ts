/** Certificates for tests: an authority, and what it signs. */
import 'reflect-metadata';
import type { webcrypto } from 'node:crypto';
import {
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';

/** PEM texts. */
export interface Pair {
  cert: string;
  key: string;
}

export interface Authority extends Pair {
  /** A certificate for 127.0.0.1 and `host` (`localhost`), or for a client. */
  issue(name: string, host?: string): Promise<Pair>;
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const NOT_BEFORE = new Date(Date.now() - 3_600_000);
const NOT_AFTER = new Date(Date.now() + 24 * 3_600_000);

export async function createAuthority(name: string): Promise<Authority> {
  const keys = await generateKeys();
  const issuer = await X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`,
    keys,
    serialNumber: '01',
    notBefore: NOT_BEFORE,
    notAfter: NOT_AFTER,
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    ],
  });
  let serial = 2;
  return {
    cert: issuer.toString('pem'),
    key: await exportKey(keys.privateKey),
    async issue(subject, host = 'localhost') {
      const own = await generateKeys();
      const certificate = await X509CertificateGenerator.create({
        subject: `CN=${subject}`,
        issuer: issuer.subject,
        publicKey: own.publicKey,
        signingKey: keys.privateKey,
        serialNumber: (serial++).toString(16).padStart(2, '0'),
        notBefore: NOT_BEFORE,
        notAfter: NOT_AFTER,
        extensions: [
          new SubjectAlternativeNameExtension([
            { type: 'ip', value: '127.0.0.1' },
            { type: 'dns', value: host },
          ]),
        ],
      });
      return { cert: certificate.toString('pem'), key: await exportKey(own.privateKey) };
    },
  };
}

function generateKeys() {
  return crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await crypto.subtle.exportKey('pkcs8', key)).toString('base64');
  return `-----BEGIN PRIVATE KEY-----\n${der.replace(/.{64}/g, '$&\n')}\n-----END PRIVATE KEY-----\n`;
}
