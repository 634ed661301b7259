/** What Quay answered: which statuses mean the same for every operation, and how the others are read (spec A.2). */
import { STATUS_CODES } from 'node:http';
import type * as z from 'zod/mini';
import { redact } from '../runtime/redact.ts';
import { ErrorBody } from './answer-schemas.ts';
import { QuayError, type QuayErrorKind } from './errors.ts';

/** An answer of Quay itself: 2xx, or a refusal of the request that the operation knows how to read. */
export interface QuayAnswer {
  /** Request and address, for messages. */
  what: string;
  status: number;
  /** Parsed JSON; undefined when the body is none. */
  body: unknown;
  /** There is a body, and it is no JSON: Quay does not answer like this. */
  foreign: boolean;
  /** What Quay said of its refusal, one line; empty for a success. */
  text: string;
}

/** An answer as it came. */
export interface Received {
  what: string;
  status: number;
  raw: string;
  /** `Content-Type`. */
  type: string | undefined;
  /** `Retry-After`, in milliseconds. */
  wait: number | undefined;
}

const LONGEST_TEXT = 500;
/** As robots have them: also one that this run has not read yet. */
const ROBOT_TOKEN = /\b[A-Z0-9]{64}\b/g;
/** What is assumed where Quay's front end names no `Retry-After` (16.4). */
const THROTTLED_PAUSE_MS = 1000;
/** What a front end answers while Quay itself is restarted or busy. A 500 is Quay's own, and comes again at once. */
const REPEATABLE = new Set([408, 429, 502, 503, 504, 520]);

/**
 * Gives what the operation has to read: 2xx, 400, 402, 404, 409 and other refusals of the request.
 * @param client `scrub` takes the secrets of the run out of what Quay wrote
 * @throws QuayError for the statuses that mean the same for all operations
 */
export function judge(
  { what, status, raw, type, wait }: Received,
  client: { organization: string; scrub: (text: string) => string },
): QuayAnswer {
  const body = parseJson(raw);
  const foreign = body === undefined && raw.trim() !== '';
  if (status >= 200 && status < 300) return { what, status, body, foreign, text: '' };
  const { text, readOnly } = readError(body, client.scrub);
  const answer = { what, status, body, foreign, text };
  if (status === 401 || status === 403) throw refusedToken(answer, client.organization);
  if (status >= 300 && status < 400) throw withHint(answer, 'Quay redirects: is the API URL right?');
  const { message } = refusal(answer);
  if (status === 429) {
    const retryAfterMs = wait ?? THROTTLED_PAUSE_MS;
    throw new QuayError('throttled', message, { status, text, retryAfterMs, repeatable: true });
  }
  const page = isHtml(type, raw);
  if (status === 404 && page) throw withHint(answer, 'not an answer of Quay: is the API URL right?');
  if (status < 500 && status !== 408 && !page) return answer;
  const repeatable = REPEATABLE.has(status) && !readOnly;
  throw new QuayError('unavailable', message, { status, text, retryAfterMs: wait, repeatable });
}

/**
 * The body of a success.
 * @throws QuayError `unavailable` when it is not what Quay answers: somebody else did, or it was cut
 */
export function readAnswer<T>(schema: z.ZodMiniType<T>, answer: QuayAnswer): T {
  const parsed = schema.safeParse(answer.body);
  if (parsed.success) return parsed.data;
  if (answer.body === undefined) throw unreadable(answer, 'no JSON');
  const where = parsed.error.issues[0]?.path.join('.');
  throw unreadable(answer, `unexpected${where ? ` '${where}'` : ' content'}`);
}

/**
 * For answers without content: whether the thing is gone now, or was before.
 * @param wasAbsent Quay's way to say that it does not exist; a 404 always says so
 * @throws QuayError `refused`; `unavailable` when somebody else answered in Quay's place
 */
export function requireGone(answer: QuayAnswer, wasAbsent?: string): void {
  if (answer.status < 300 && answer.foreign) throw unreadable(answer, 'no JSON');
  const said = answer.status === 400 && wasAbsent !== undefined && answer.text.includes(wasAbsent);
  if (answer.status >= 400 && answer.status !== 404 && !said) throw refusal(answer);
}

/** The error of an answer that an operation does not know how to read. */
export function refusal({ what, status, text }: QuayAnswer, kind: QuayErrorKind = 'refused'): QuayError {
  const statusText = `${status} ${STATUS_CODES[status] ?? ''}`.trimEnd();
  return new QuayError(kind, [what, statusText, text].filter(Boolean).join(': '), { status, text });
}

/** Writes with an unknown token look like a CSRF attack to Quay (A.2), so its text would lead people astray. */
function refusedToken(answer: QuayAnswer, organization: string): QuayError {
  const refused = answer.status === 401 || /\bCSRF\b/i.test(answer.text);
  return withHint(
    answer,
    refused
      ? 'the token was refused: it is unknown, expired or revoked'
      : `the token lacks a permission, or organization '${organization}' does not exist`,
  );
}

function withHint(answer: QuayAnswer, hint: string): QuayError {
  const { status, text } = answer;
  return new QuayError('configuration', `${refusal(answer).message} (${hint})`, { status, text });
}

function unreadable({ what, status }: QuayAnswer, detail: string): QuayError {
  const text = `${what}: the answer of status ${status} cannot be read: ${detail}`;
  return new QuayError('unavailable', text, { status });
}

function readError(body: unknown, scrub: (text: string) => string): { text: string; readOnly: boolean } {
  const parsed = ErrorBody.safeParse(body);
  if (!parsed.success) return { text: '', readOnly: false };
  const { message, error_message, error, detail, is_readonly } = parsed.data;
  const text = message || error_message || error || detail || '';
  const line = scrub(redact(text))
    .replace(ROBOT_TOKEN, '***')
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .trim();
  return { text: line.slice(0, LONGEST_TEXT), readOnly: is_readonly ?? false };
}

function parseJson(raw: string): unknown {
  try {
    return JSON.parse(raw);
  } catch {
    return undefined;
  }
}

/** A page of the proxy before Quay (E4). */
function isHtml(type: string | undefined, raw: string): boolean {
  return type?.toLowerCase().includes('text/html') || /^\s*</.test(raw);
}
