/** What a handler gives back for the server to send. */
import type { ServerResponse } from 'node:http';
import { JSON_TYPE, type Representation, YAML_TYPE } from './negotiation.ts';
import type { StatusError } from './status-error.ts';

export interface Answer {
  code: number;
  contentType: string;
  body: string;
  headers?: Record<string, string>;
  warnings?: readonly string[];
}

/** A watch: takes over the response; what it returns ends it. */
export interface Streaming {
  stream(response: ServerResponse): () => void;
}

export function jsonAnswer(code: number, value: unknown): Answer {
  return { code, contentType: JSON_TYPE, body: JSON.stringify(value) };
}

export function textAnswer(code: number, body: string): Answer {
  return { code, contentType: 'text/plain; charset=utf-8', body };
}

export function errorAnswer(error: StatusError): Answer {
  const answer = jsonAnswer(error.code, error.toStatus());
  const wait = error.details?.retryAfterSeconds;
  return wait === undefined ? answer : { ...answer, headers: { 'retry-after': String(wait) } };
}

/** `json` in the format that the client asked for. */
export async function formatted(
  code: number,
  json: string,
  representation: Representation,
  warnings: readonly string[],
): Promise<Answer> {
  if (representation.format === 'json') return { code, contentType: JSON_TYPE, body: json, warnings };
  const { stringify } = await import('yaml');
  return { code, contentType: YAML_TYPE, body: stringify(JSON.parse(json)), warnings };
}

/** Warnings as headers: `299 - "text"`. */
export function warningHeaders(warnings: readonly string[] | undefined): string[] {
  return (warnings ?? []).map((text) => `299 - ${JSON.stringify(text)}`);
}
