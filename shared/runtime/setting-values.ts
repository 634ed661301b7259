/** What the value of a setting may be: each takes the text of a flag or variable and gives what the code works with. */
import * as z from 'zod/mini';
import { parseDuration } from './duration.ts';

export const text = z.string();

/** A text; `expected` is said of others. */
export function matching(pattern: RegExp, expected: string) {
  return z.string().check(z.regex(pattern, expected));
}

export const flag = z.pipe(
  z.enum(['true', 'false'], { error: 'expected true or false' }),
  z.transform((value) => value === 'true'),
);

/** As Go writes it, into milliseconds. */
export const duration = z.pipe(
  z.string(),
  z.transform((value: string, context) => {
    try {
      return parseDuration(value);
    } catch (error) {
      context.issues.push({ code: 'custom', message: (error as Error).message, input: value });
      return z.NEVER;
    }
  }),
);

/** A whole number within limits. */
export const count = (min: number, max: number) =>
  z.pipe(
    z.pipe(matching(/^\d+$/, 'expected a whole number'), z.transform(Number)),
    z.number().check(z.minimum(min, `at least ${min}`), z.maximum(max, `at most ${max}`)),
  );

/** A wait of nothing would repeat at once and for ever, and leave no time for anything else. */
export const delay = z.pipe(duration, z.number().check(z.minimum(1, 'must be longer than 0s')));

const NAMESPACE = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

export const namespaces = z.pipe(
  z.pipe(
    z.string(),
    z.transform((value: string) =>
      value
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== ''),
    ),
  ),
  z.array(matching(NAMESPACE, 'expected names of namespaces, separated by commas')),
);

/** The groups of our kinds. */
export const API_GROUPS = ['image.toolkit.fluxcd.io', 'source.toolkit.fluxcd.io', 'appstudio.redhat.com'];

export const apiGroups = z.pipe(
  z.pipe(
    z.string(),
    z.transform((value: string) => value.split(',').map((part) => part.trim())),
  ),
  z.array(z.enum(API_GROUPS, { error: `expected some of ${API_GROUPS.join(', ')}` })),
);

export const address = matching(/^(\[[0-9a-f:.]+\]|[^\s:]*):\d{1,5}$/i, 'expected HOST:PORT or :PORT').check(
  // What is no number has been told of already.
  z.refine((value) => !(Number(value.slice(value.lastIndexOf(':') + 1)) > 65_535), 'a port is at most 65535'),
);

/** What all URLs of artifacts begin with, without a slash at the end; a bare host means plain HTTP (OCI 16.2). */
export const baseUrl = z.pipe(
  matching(
    /^((https?:\/\/)?[^\s/?#@]*[^\s/?#@:](\/[^\s?#]*)?)?$/i,
    'expected a host, or http:// or https:// with a host and a path',
  ),
  z.transform((value: string, context) => {
    if (value === '') return '';
    const url = (/^https?:\/\//i.test(value) ? value : `http://${value}`).replace(/\/+$/, '');
    if (URL.canParse(url)) return url;
    context.issues.push({ code: 'custom', message: 'expected the address of a server', input: value });
    return z.NEVER;
  }),
);

/** `key`, `!key`, `key=value`, `key in (a,b)`, …: the API server would refuse others, when nobody looks any more. */
const REQUIREMENT =
  String.raw`\s*(!?K|K\s*(==?|!=|[<>])\s*[\w.-]*|K\s+(not)?in\s*\([\w.,\s-]*\))\s*`.replaceAll(
    'K',
    String.raw`[A-Za-z0-9][\w./-]*`,
  );

export const labelSelector = matching(
  new RegExp(`^(${REQUIREMENT}(,${REQUIREMENT})*)?$`),
  'expected a label selector, such as team=a or env in (dev,test)',
);

export const featureGates = z.pipe(
  z.string(),
  z.transform((value: string, context) => {
    const gates: Record<string, boolean> = {};
    for (const part of value.split(',').filter((piece) => piece !== '')) {
      const match = /^\s*([A-Za-z]+)=(true|false)\s*$/.exec(part);
      const message = `expected Name=true or Name=false, not '${part}'`;
      if (match) gates[match[1]!] = match[2] === 'true';
      else context.issues.push({ code: 'custom', message, input: value });
    }
    return gates;
  }),
);

/** One of a few words. */
export function oneOf<const T extends string>(...values: T[]) {
  return z.enum(values, { error: `expected one of ${values.join(', ')}` });
}
