/** Digests of manifests and blobs (IR-DIG-1, IR-DIG-2). */
import { createHash } from 'node:crypto';
import { Transform } from 'node:stream';
import { RegistryError } from './errors.ts';

const DIGEST = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;

/** Whether a text is a digest that we can check: `sha256:` and 64 hex digits, or `sha512:` and 128. */
export function isDigest(text: string): boolean {
  return DIGEST.test(text);
}

/** Digest of bytes, with the algorithm of `like` (a digest), else SHA-256. */
export function digestOfBytes(bytes: Buffer, like?: string): string {
  const algorithm = algorithmOf(like);
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;
}

/** Hands bytes on and fails at their end when they are not those of `digest`. */
export function verifyingStream(digest: string, where: string): Transform {
  const algorithm = algorithmOf(digest);
  const hash = createHash(algorithm);
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
    flush(done) {
      const actual = `${algorithm}:${hash.digest('hex')}`;
      done(actual === digest ? null : digestMismatch(where, digest, actual));
    },
  });
}

export function digestMismatch(where: string, expected: string, actual: string): RegistryError {
  return new RegistryError('malformed', `${where}: the content has digest ${actual}, not ${expected}`);
}

function algorithmOf(digest: string | undefined): 'sha256' | 'sha512' {
  return digest?.startsWith('sha512:') ? 'sha512' : 'sha256';
}
