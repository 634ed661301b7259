/** The deprecated annotations of a Component: a request, and what is told of it (spec 13.1, 13.2). */
import { COMPONENT_ANNOTATION, type Component } from '../../shared/api/component.ts';
import type { Visibility } from '../../shared/quay/client.ts';

/** What `image.redhat.com/image` says. Members are written in this order; those that are missing are left out. */
export interface Result {
  image?: string;
  visibility?: string;
  secret?: string;
  message?: string;
}

/** A request as it was made; `invalid`: the message for whoever made it; undefined: there is none. */
export type Request = { visibility: Visibility } | { invalid: string };

const { generate, image } = COMPONENT_ANNOTATION;

export function readRequest({ metadata }: Component): Request | undefined {
  const text = metadata.annotations?.[generate];
  // `false` is how the founding document leaves it behind: nothing is asked for.
  if (text === undefined || text === 'false') return undefined;
  if (text === 'true') return { visibility: 'public' };
  const request = parseObject(text);
  if (!request) return { invalid: `invalid JSON in ${generate} annotation` };
  const { visibility = '' } = request;
  if (visibility === 'public' || visibility === 'private') return { visibility };
  return { invalid: `invalid value: ${textOf(visibility)} in visibility field in ${generate} annotation` };
}

/** What was told before: nothing is told yet: empty; undefined: it cannot be read. */
export function readResult({ metadata }: Component): Result | undefined {
  const text = metadata.annotations?.[image];
  if (text === undefined) return {};
  const parsed = parseObject(text);
  if (!parsed) return undefined;
  const members = ['image', 'visibility', 'secret', 'message'] as const;
  return Object.fromEntries(
    members.flatMap((name) => (typeof parsed[name] === 'string' ? [[name, parsed[name]]] : [])),
  );
}

/** The annotations of an answered request: the result, and the request is gone. */
export function answered({ image: url, visibility, secret, message }: Result): Record<string, string | null> {
  return { [image]: JSON.stringify({ image: url, visibility, secret, message }), [generate]: null };
}

/** `delete-image-repo` is there and does not say no. */
export function wantsRepositoryDeleted({ metadata }: Component): boolean {
  const text = metadata.annotations?.[COMPONENT_ANNOTATION.deleteRepository];
  return text !== undefined && text !== 'false';
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
