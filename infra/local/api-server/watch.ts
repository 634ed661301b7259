/** Watches: a line of JSON for every change, bookmarks in between, an end that the client asked for. */
import type { ServerResponse } from 'node:http';
import type { ChangeEvent, Stored } from './collection.ts';
import {
  isSelected,
  parseVersion,
  readNumber,
  readSelection,
  type Selection,
  selectObjects,
} from './list.ts';
import { forbiddenValue } from './problems.ts';
import { type RenderOptions, renderObject } from './render.ts';
import { groupVersion } from './resource-definition.ts';
import type { ServerContext } from './server-context.ts';
import { expired, invalid } from './status-error.ts';
import { renderTable } from './table.ts';
import type { Target } from './target.ts';

const BOOKMARK_MS = 60_000;
const SHORTEST_TIMEOUT_S = 1_800;
/** A client that does not read is cut off when this much more than the initial objects waits for it. */
const BUFFER_LIMIT = 16 * 1024 * 1024;

export interface WatchRequest {
  target: Target;
  query: URLSearchParams;
  render: RenderOptions;
  /** Headers of the answer, warnings included. */
  headers: Record<string, string | string[]>;
}

interface Start {
  /** Objects that are sent first, as if they had just been added. */
  initial: Stored[];
  /** Changes that come after them. */
  missed: ChangeEvent[];
  /** A bookmark that says "that was everything" follows. */
  marksEnd: boolean;
}

/**
 * Serves a watch until the client, its time limit or the server ends it.
 * @returns a function that ends it
 * @throws StatusError 400, 422 before anything was sent; a version that is forgotten is an event of type ERROR
 */
export function serveWatch(
  context: ServerContext,
  request: WatchRequest,
  response: ServerResponse,
): () => void {
  const { target, query } = request;
  const selection = readSelection(target, query);
  const collection = context.state.collection(target.definition);
  const bookmarks = isTrue(query.get('allowWatchBookmarks'));
  const seconds = readNumber(query, 'timeoutSeconds') || SHORTEST_TIMEOUT_S * (1 + context.random());
  const start = readStart(context, target, query, selection);
  const lines = new WatchLines(request);
  response.writeHead(200, {
    ...request.headers,
    'content-type': lines.contentType,
    'cache-control': 'no-store',
  });
  response.flushHeaders();
  if (!start) {
    response.end(lines.error(context.state.version));
    return () => {};
  }
  const send = (line: string | undefined) => {
    if (line !== undefined) response.write(line);
  };
  for (const stored of start.initial) send(lines.object('ADDED', stored, context.now()));
  for (const event of start.missed) send(lineOf(lines, selection, target, event, context.now()));
  if (start.marksEnd) send(lines.bookmark(context.state.version, true));
  const backlog = response.writableLength;
  const unsubscribe = collection.subscribe((event) => {
    send(lineOf(lines, selection, target, event, context.now()));
    if (response.writableLength > backlog + BUFFER_LIMIT) end();
  });
  let cancelBookmark = () => {};
  const bookmarkLater = () => {
    cancelBookmark = context.after(BOOKMARK_MS, () => {
      send(lines.bookmark(context.state.version, false));
      bookmarkLater();
    });
  };
  if (bookmarks) bookmarkLater();
  const cancelTimeout = context.after(seconds * 1000, () => {
    if (bookmarks) send(lines.bookmark(context.state.version, false));
    end();
  });
  const end = () => {
    unsubscribe();
    cancelBookmark();
    cancelTimeout();
    response.end();
  };
  response.once('close', end);
  return end;
}

function readStart(
  context: ServerContext,
  target: Target,
  query: URLSearchParams,
  selection: Selection,
): Start | undefined {
  const asked = query.get('resourceVersion') ?? '';
  const match = query.get('resourceVersionMatch') ?? '';
  const initialEvents = query.get('sendInitialEvents');
  checkInitialEvents(initialEvents, match);
  const sendsAll = initialEvents === null ? asked === '' || asked === '0' : isTrue(initialEvents);
  if (sendsAll) {
    const initial = selectObjects(context, target, selection);
    return { initial, missed: [], marksEnd: isTrue(initialEvents) };
  }
  if (asked === '' || asked === '0') return { initial: [], missed: [], marksEnd: false };
  const missed = context.state.collection(target.definition).eventsAfter(parseVersion(asked));
  return missed && { initial: [], missed, marksEnd: false };
}

function checkInitialEvents(initialEvents: string | null, match: string): void {
  const problems = [];
  if (initialEvents !== null && match !== 'NotOlderThan') {
    const why = 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan';
    problems.push(forbiddenValue('resourceVersionMatch', why));
  }
  if (initialEvents === null && match !== '') {
    const why = 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided';
    problems.push(forbiddenValue('resourceVersionMatch', why));
  }
  if (problems.length > 0) throw invalid({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', problems);
}

/** The line for a change as this watch sees it: entering the selection is ADDED, leaving it DELETED. */
function lineOf(
  lines: WatchLines,
  selection: Selection,
  target: Target,
  event: ChangeEvent,
  now: number,
): string | undefined {
  const { stored, before } = event;
  if (target.namespace !== '' && stored.object.metadata.namespace !== target.namespace) return undefined;
  const is = event.type !== 'DELETED' && isSelected(selection, stored);
  const was = before !== undefined && isSelected(selection, before);
  if (!is && !was) return undefined;
  return lines.object(is ? (was ? 'MODIFIED' : 'ADDED') : 'DELETED', stored, now);
}

/** The lines of one watch, in the shape that its client asked for. */
class WatchLines {
  readonly contentType: string;
  readonly #target: Target;
  readonly #options: RenderOptions;
  #columnsSent = false;

  constructor({ target, render }: WatchRequest) {
    this.#target = target;
    this.#options = render;
    this.contentType = 'application/json';
  }

  object(type: string, stored: Stored, now: number): string {
    const options = { ...this.#options, now };
    if (options.representation.shape !== 'table') {
      return `{"type":"${type}","object":${renderObject(this.#target, stored, options)}}\n`;
    }
    const metadata = { resourceVersion: String(stored.version) };
    const withColumns = !this.#columnsSent;
    this.#columnsSent = true;
    const { definition, version } = this.#target;
    const table = renderTable(definition, version, [stored], { ...options, metadata, withColumns });
    return `{"type":"${type}","object":${table}}\n`;
  }

  /** Nothing happened up to this version. @param end the initial objects were all sent */
  bookmark(version: number, end: boolean): string {
    const { definition } = this.#target;
    const annotations = end ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {};
    const object = {
      kind: definition.kind,
      apiVersion: groupVersion(definition.group, this.#target.version),
      metadata: { resourceVersion: String(version), creationTimestamp: null, ...annotations },
    };
    if (this.#options.representation.shape !== 'table') {
      return `${JSON.stringify({ type: 'BOOKMARK', object })}\n`;
    }
    const { apiVersion: _, kind: __, ...rest } = object;
    const row = {
      cells: [],
      object: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', ...rest },
    };
    const table = {
      kind: 'Table',
      apiVersion: 'meta.k8s.io/v1',
      metadata: rest.metadata,
      columnDefinitions: [],
      rows: [row],
    };
    return `${JSON.stringify({ type: 'BOOKMARK', object: table })}\n`;
  }

  error(current: number): string {
    const asked = 'too old resource version';
    return `${JSON.stringify({ type: 'ERROR', object: expired(`${asked} (${current})`).toStatus() })}\n`;
  }
}

function isTrue(value: string | null): boolean {
  return value === 'true' || value === '1';
}
