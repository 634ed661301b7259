/** Lists: selectors, pages of one moment, and the resource versions that a client may ask for. */
import { randomUUID } from 'node:crypto';
import type { Stored } from './collection.ts';
import { type FieldSelector, parseFieldSelector } from './field-selector.ts';
import { type LabelMatcher, parseLabelSelector } from './label-selector.ts';
import { forbiddenValue, type Problem, unsupportedValue } from './problems.ts';
import type { ServerContext } from './server-context.ts';
import { badRequest, expired, invalid, StatusError } from './status-error.ts';
import type { Target } from './target.ts';

/** What selects objects, in a list or a watch. */
export interface Selection {
  labels: LabelMatcher;
  fields: FieldSelector;
}

export interface ListResult {
  items: Stored[];
  /** The version of the moment that the list shows. */
  version: number;
  continue?: string;
  remaining?: number;
}

/** Pages that wait for their client: what is left of lists that were begun. */
interface OpenList {
  version: number;
  rest: Stored[];
}

const OPEN_LISTS = 50;

/** @throws StatusError 400 */
export function readSelection(target: Target, query: URLSearchParams): Selection {
  const fields = parseFieldSelector(target.definition, query.get('fieldSelector') ?? '');
  return { labels: parseLabelSelector(query.get('labelSelector') ?? ''), fields };
}

export function isSelected(selection: Selection, stored: Stored): boolean {
  return selection.labels(stored.object.metadata.labels) && selection.fields.matches(stored.object);
}

/** Every object of the target's namespace that the selection takes, in order. */
export function selectObjects(context: ServerContext, target: Target, selection: Selection): Stored[] {
  const all = context.state.collection(target.definition).list(target.namespace);
  return all.filter((stored) => isSelected(selection, stored));
}

export class Lists {
  readonly #open = new Map<string, OpenList>();

  /**
   * One page, or everything. Further pages show the moment of the first one.
   * @throws StatusError 400, 410 (page token or version of a forgotten moment), 422, 504 (version of the future)
   */
  list(context: ServerContext, target: Target, query: URLSearchParams): ListResult {
    const limit = readNumber(query, 'limit');
    const token = query.get('continue');
    if (token) {
      if (query.get('resourceVersion') && query.get('resourceVersion') !== '0') {
        throw badRequest('specifying resource version is not allowed when using continue');
      }
      return this.#page(this.#take(token), limit);
    }
    checkVersion(context, target, query);
    const items = selectObjects(context, target, readSelection(target, query));
    return this.#page({ version: context.state.version, rest: items }, limit);
  }

  #page({ version, rest }: OpenList, limit: number): ListResult {
    if (limit <= 0 || rest.length <= limit) return { items: rest, version };
    const token = randomUUID();
    if (this.#open.size >= OPEN_LISTS) this.#open.delete(this.#open.keys().next().value!);
    this.#open.set(token, { version, rest: rest.slice(limit) });
    return {
      items: rest.slice(0, limit),
      version,
      continue: Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: version, start: token })).toString(
        'base64url',
      ),
      remaining: rest.length - limit,
    };
  }

  /** A page may be asked for again: the rest stays until newer lists push it out. */
  #take(token: string): OpenList {
    let start: unknown;
    try {
      start = JSON.parse(Buffer.from(token, 'base64url').toString()).start;
    } catch {
      throw badRequest('continue key is not valid: it is no token of this server');
    }
    const found = this.#open.get(String(start));
    if (found) return found;
    throw expired(
      'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.',
    );
  }
}

function checkVersion(context: ServerContext, target: Target, query: URLSearchParams): void {
  const asked = query.get('resourceVersion') ?? '';
  const match = query.get('resourceVersionMatch') ?? '';
  const problems: Problem[] = [];
  if (match !== '' && asked === '' && query.get('sendInitialEvents') === null) {
    const why = 'resourceVersionMatch is forbidden unless resourceVersion is provided';
    problems.push(forbiddenValue('resourceVersionMatch', why));
  }
  if (match !== '' && match !== 'Exact' && match !== 'NotOlderThan') {
    problems.push(unsupportedValue('resourceVersionMatch', match, ['Exact', 'NotOlderThan']));
  }
  if (match === 'Exact' && asked === '0') {
    const why = 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"';
    problems.push(forbiddenValue('resourceVersionMatch', why));
  }
  if (problems.length > 0) throw invalid({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', problems);
  if (asked === '' || asked === '0') return;
  const version = parseVersion(asked);
  if (version > context.state.version) throw tooLargeVersion(version, context.state.version);
  if (match === 'Exact' && version < context.state.collection(target.definition).lastChange) {
    throw expired('The provided resource version is too old: only the current state can be listed.');
  }
}

/** @throws StatusError 400 */
export function parseVersion(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw badRequest(`resourceVersion: Invalid value: ${JSON.stringify(text)}: not a whole number`);
}

/** @throws StatusError 400 */
export function readNumber(query: URLSearchParams, name: string): number {
  const text = query.get(name) ?? '';
  if (text === '') return 0;
  if (/^-?\d{1,15}$/.test(text)) return Number(text);
  throw badRequest(`${name}: parsing ${JSON.stringify(text)}: invalid syntax`);
}

function tooLargeVersion(asked: number, current: number): StatusError {
  return new StatusError(
    504,
    'Timeout',
    `Timeout: Too large resource version: ${asked}, current: ${current}`,
    {
      causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
      retryAfterSeconds: 1,
    },
  );
}
