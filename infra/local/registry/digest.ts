/** Digests of content, as manifests and paths carry them: `sha256:<hex>`, `sha512:<hex>`. */
import { createHash, type Hash } from 'node:crypto';
import { RequestError } from './request-error.ts';

const FORM = /^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;

export function isDigest(text: string): boolean {
  return FORM.test(text);
}

/** @throws RequestError `DIGEST_INVALID` when `text` is not a digest that this registry can verify */
export function requireDigest(text: string): string {
  if (!isDigest(text)) {
    throw new RequestError(400, 'DIGEST_INVALID', `'${text}' is not a sha256 or sha512 digest`);
  }
  return text;
}

export function sha256Of(bytes: Uint8Array | string): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** Collects content and tells at its end whether it is what `expected` names. */
export function digestVerifier(expected: string): { hash: Hash; verify(): void } {
  const [algorithm, hex] = expected.split(':') as [string, string];
  const hash = createHash(algorithm);
  return {
    hash,
    verify() {
      const actual = hash.digest('hex');
      if (actual !== hex) {
        throw new RequestError(400, 'DIGEST_INVALID', `content is ${algorithm}:${actual}, not ${expected}`);
      }
    },
  };
}
