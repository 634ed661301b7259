/** The server's certificate: a CA of its own, kept with the data, so that a kubeconfig stays good after a restart. */
import { type webcrypto, X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { keepFile, replaceFile } from './kept-file.ts';

export interface ServerIdentity {
  /** PEM of the CA that clients trust. */
  ca: string;
  /** PEM of the server's certificate and key. */
  cert: string;
  key: string;
}

const DAY_MS = 24 * 60 * 60 * 1000;
const CA_DAYS = 3650;
const SERVER_DAYS = 365;
const RENEW_DAYS = 30;
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

/**
 * Reads certificates from `folder`, or makes them. The server's own is made anew a month before it ends.
 * @param now milliseconds since 1970
 */
export async function loadServerIdentity(folder: string, now: number): Promise<ServerIdentity> {
  const authority = await keepFile(join(folder, 'ca.pem'), () => makeAuthority(now));
  const file = join(folder, 'server.pem');
  let pair = await keepFile(file, () => makeServerPair(authority, now));
  if (!isUsable(pair, authority, now)) pair = await replaceFile(file, await makeServerPair(authority, now));
  const [cert = '', key = ''] = splitPair(pair);
  return { ca: splitPair(authority)[0]!, cert, key };
}

function isUsable(pair: string, authority: string, now: number): boolean {
  const server = new X509Certificate(pair);
  const ca = new X509Certificate(authority);
  return server.checkIssued(ca) && Date.parse(server.validTo) - now > RENEW_DAYS * DAY_MS;
}

/** Certificate and key of a file that holds both, in this order. */
function splitPair(pem: string): string[] {
  return pem.match(/-----BEGIN [^-]+-----[^-]+-----END [^-]+-----\n?/g) ?? [];
}

async function makeAuthority(now: number): Promise<string> {
  const x509 = await loadX509();
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=longshore-local-ca',
    notBefore: new Date(now - DAY_MS),
    notAfter: new Date(now + CA_DAYS * DAY_MS),
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.digitalSignature, true),
    ],
  });
  return pairText(certificate.toString('pem'), keys.privateKey);
}

async function makeServerPair(authority: string, now: number): Promise<string> {
  const x509 = await loadX509();
  const [caText = '', caKeyText = ''] = splitPair(authority);
  const ca = new x509.X509Certificate(caText);
  const pkcs8 = Buffer.from(caKeyText.replace(/-----[^-]+-----|\s/g, ''), 'base64');
  const signingKey = await crypto.subtle.importKey('pkcs8', pkcs8, ALGORITHM, false, ['sign']);
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.create({
    subject: 'CN=longshore-local',
    issuer: ca.subject,
    notBefore: new Date(now - DAY_MS),
    notAfter: new Date(now + SERVER_DAYS * DAY_MS),
    publicKey: keys.publicKey,
    signingKey,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension([
        { type: 'ip', value: '127.0.0.1' },
        { type: 'ip', value: '::1' },
        { type: 'dns', value: 'localhost' },
      ]),
    ],
  });
  return pairText(certificate.toString('pem'), keys.privateKey);
}

async function pairText(certificate: string, key: webcrypto.CryptoKey): Promise<string> {
  const pkcs8 = Buffer.from(await crypto.subtle.exportKey('pkcs8', key)).toString('base64');
  const lines = pkcs8.match(/.{1,64}/g)!.join('\n');
  return `${certificate.trim()}\n-----BEGIN PRIVATE KEY-----\n${lines}\n-----END PRIVATE KEY-----\n`;
}

/** Only needed when a certificate is made. */
async function loadX509() {
  await import('reflect-metadata');
  const x509 = await import('@peculiar/x509');
  x509.cryptoProvider.set(crypto);
  return x509;
}
