/**
 * Keeps credentials out of texts (IR-TOK-2). Two nets: what looks like a credential in a text, whoever wrote it, and
 * the very values that this run has read from Secrets or got from a token service.
 */

const MASK = '***';
const SHORTEST_SECRET = 4;

const PATTERNS: [RegExp, string][] = [
  [
    /\b(authorization|x-registry-auth|x-amz-security-token)(["']?\s*[:=]\s*["']?)(?:(basic|bearer)\s+)?[^\s"',}]+/gi,
    `$1$2${MASK}`,
  ],
  [/\b(basic|bearer)\s+[A-Za-z0-9+/_=.~-]{8,}/gi, `$1 ${MASK}`],
  [
    /\b(access_?token|refresh_?token|identity_?token|registry_?token|token|password|passwd|secret_?access_?key|client_secret|x-amz-signature|x-amz-credential|signature)(["']?\s*[=:]\s*["']?)[^\s"'&,}]+/gi,
    `$1$2${MASK}`,
  ],
  // Begins with its fixed part: texts may be long and hostile, and this stays linear.
  [/:\/\/[^\s/@]+@/g, `://${MASK}@`],
];

/** `text` with everything that looks like a credential masked: headers, tokens, passwords, user info of URLs. */
export function redact(text: string): string {
  let result = text;
  for (const [pattern, replacement] of PATTERNS) result = result.replace(pattern, replacement);
  return result;
}

/** The secret values of one run. They live as long as the run does. */
export class RunSecrets {
  #values: string[] = [];

  /** Remembers a value and its base64 form. Values too short to be told from ordinary text are left out. */
  add(value: string): void {
    if (value.length < SHORTEST_SECRET) return;
    this.#values.push(value, Buffer.from(value).toString('base64').replace(/=+$/, ''));
    this.#values.sort((a, b) => b.length - a.length);
  }

  /** `text` without any remembered value and without what looks like a credential. */
  scrub(text: string): string {
    let result = text;
    for (const value of this.#values) result = result.replaceAll(value, MASK);
    return redact(result);
  }
}
