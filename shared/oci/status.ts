/** What a status that we did not hope for means (IR-REG-9). The one guard that every answer passes. */
import * as z from 'zod/mini';
import { retryAfterMs } from '../kube/retry-after.ts';
import { redact } from '../runtime/redact.ts';
import { discardBody, ERROR_BODY_LIMIT, readBody } from './body.ts';
import { RegistryError, type RegistryErrorCode } from './errors.ts';
import { describe, type HttpAnswer } from './http-exchange.ts';

const OciErrors = z.object({
  errors: z
    .array(z.object({ code: z.string(), message: z.nullish(z.string()) }))
    .check(z.minLength(1), z.maxLength(1000)),
});

/** Statuses that a short repeat may cure (IR-REG-6). */
const TRANSIENT = new Set([408, 429, 499, 500, 502, 503, 504, 522]);
const MOST_ERRORS = 5;
const LONGEST_MESSAGE = 300;

/**
 * Gives an answer of status 200 to 299 back; everything else is an error.
 * @param now for `Retry-After` as a date; @param scrub takes the credentials out of what the registry wrote
 * @throws RegistryError; for a 401 or 403 with the challenges of the answer in `refusal`
 */
export async function ensureSuccess(
  answer: HttpAnswer,
  now: number,
  scrub: (text: string) => string,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  if (answer.status >= 200 && answer.status < 300) return answer;
  const { status, headers, peer } = answer;
  const refusal = { authenticate: headers['www-authenticate'], origin: answer.url.origin, peer };
  const errors = await readErrors(answer, signal);
  const text = `${describe(answer)}: unexpected status code ${status} ${redact(answer.statusText)}`.trimEnd();
  const details = errors.slice(0, MOST_ERRORS).map(({ code, message }) => `${code}: ${message ?? ''}`);
  throw new RegistryError(
    codeOf(status),
    oneLine(scrub([text, details.join('; ')].filter(Boolean).join(': '))),
    {
      status,
      retryAfterMs: retryAfterMs(headers['retry-after'], now),
      transient: TRANSIENT.has(status),
      codes: errors.map(({ code }) => code),
      refusal: status === 401 || status === 403 ? refusal : undefined,
    },
  );
}

function codeOf(status: number): RegistryErrorCode {
  if (status === 401 || status === 403) return 'unauthorized';
  if (status === 404) return 'not-found';
  if (status === 429) return 'throttled';
  return status >= 500 ? 'server' : 'status';
}

/** The OCI error list of a body; a body that is none, or cannot be read, says nothing. */
async function readErrors(answer: HttpAnswer, signal: AbortSignal) {
  if (answer.method === 'HEAD') {
    await discardBody(answer);
    return [];
  }
  try {
    const body = await readBody(answer, ERROR_BODY_LIMIT, 'error', signal);
    return OciErrors.parse(JSON.parse(body.toString('utf8'))).errors.map(({ code, message }) => ({
      code: cut(code),
      message: message ? cut(message) : '',
    }));
  } catch {
    return [];
  }
}

function cut(text: string): string {
  return text.length > LONGEST_MESSAGE ? `${text.slice(0, LONGEST_MESSAGE)}…` : text;
}

function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\s]+/gu, ' ').trim();
}
