/**
 * Mirrors one kind in one namespace (or all) into a sink (design section 3): a list in pages, then a watch that resumes
 * where it was. Whatever happens it goes on for ever; on doubt it lists again, and the sink learns of deletions by what
 * the list does not hold any more.
 */
import type { KubeClient } from '../../shared/kube/client.ts';
import { KubeError } from '../../shared/kube/errors.ts';
import { type KubeObject, type Resource, resourcePath } from '../../shared/kube/resource.ts';
import type { KubeTransport } from '../../shared/kube/transport.ts';
import { type Clock, sleep } from '../../shared/runtime/clock.ts';
import { messageOf } from '../../shared/runtime/errors.ts';
import type { Logger } from '../../shared/runtime/logger.ts';
import { followWatch, type WatchEnd } from './watch.ts';
import { BrokenStream } from './watch-lines.ts';

const PAGE_SIZE = 500;
const FIRST_DELAY_MS = 800;
const LONGEST_DELAY_MS = 30_000;
const SHORTEST_WATCH_S = 300;
const RELIST_SPREAD_MS = 1000;

/** A watch that ends sooner, without an event, counts as a failure: else we would reconnect without a pause. */
const TOO_SHORT_MS = 1000;

/** Ready means live within two minutes (design section 3); a silent watch is reconnected just after that. */
const LIVE_MS = 120_000 + 5000;

/** What learns of the objects. It must not throw. */
export interface ReflectorSink {
  /**
   * An object as it is now. Answers its key.
   * @param firstList it comes with the first list after the start: it may be old
   */
  seen(object: KubeObject, firstList: boolean): string;
  /** An object was deleted. */
  gone(object: KubeObject): void;
  /** A whole list was read: what it does not hold, in that namespace (all: empty), does not exist any more. */
  keepOnly(keys: ReadonlySet<string>, namespace: string): void;
}

export interface ReflectorOptions {
  kube: KubeClient;
  transport: KubeTransport;
  /** The kind's name in log lines. */
  name: string;
  /** Which version of the kind is served. @throws KubeError with status 404 when none is */
  resolve(signal: AbortSignal): Promise<Resource>;
  /** What `resolve` found is not served any more. */
  forget(): void;
  /** Empty: all namespaces. */
  namespace: string;
  /** Empty: all objects. */
  labelSelector: string;
  /** None: all objects. */
  fieldSelector?: string;
  /** Only the metadata of the objects is asked for. */
  metadataOnly?: boolean;
  /** A cluster that does not let us watch it is as good as one that does not have it. */
  optional?: boolean;
  sink: ReflectorSink;
  clock: Clock;
  /** From 0 to 1. */
  random: () => number;
  log: Logger;
  /** Called each time that a list or watch starts anew, for the metrics. */
  onRestart?(cause: RestartCause): void;
}

export type RestartCause = 'list' | 'timeout' | 'expired' | 'broken' | 'silent' | 'error';

export interface Reflector {
  /** A whole list was read, or the cluster does not have the kind. */
  readonly synced: boolean;
  /** Synced, and a sign of life from the API server within two minutes. */
  live(): boolean;
  /** Ends after `signal` aborts; never throws. */
  run(signal: AbortSignal): Promise<void>;
}

/** How the server is asked for metadata alone; one that cannot do that sends whole objects. */
const METADATA_ONLY = {
  list: 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json',
  watch: 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json',
};

/** The watch has nothing to go on from: list again. */
class Expired extends Error {}

export function createReflector(options: ReflectorOptions): Reflector {
  const { kube, transport, sink, clock, random, log, name, namespace, fieldSelector } = options;
  const labelSelector = options.labelSelector || undefined;
  /** Where the watch goes on; undefined: list first. */
  let resourceVersion: string | undefined;
  let synced = false;
  let listedOnce = false;
  let absent = false;
  let heardAt = 0;
  let failures = 0;

  const heard = () => {
    heardAt = clock.now();
  };

  const list = async (resource: Resource, signal: AbortSignal) => {
    const keys = new Set<string>();
    let next: string | undefined;
    let version: string;
    do {
      const page = await kube.list(
        resource,
        {
          namespace: namespace || undefined,
          labelSelector,
          fieldSelector,
          limit: PAGE_SIZE,
          continue: next,
          ...(options.metadataOnly && { accept: METADATA_ONLY.list }),
        },
        signal,
      );
      heard();
      for (const object of page.items) keys.add(sink.seen(object, !listedOnce));
      version = page.resourceVersion;
      next = page.continue;
    } while (next);
    sink.keepOnly(keys, namespace);
    resourceVersion = version;
    listedOnce = true;
    synced = true;
    options.onRestart?.('list');
  };

  const watch = async (resource: Resource, signal: AbortSignal): Promise<WatchEnd> => {
    const startedAt = clock.now();
    const query = {
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion,
      timeoutSeconds: Math.round(SHORTEST_WATCH_S * (1 + random())),
      labelSelector,
      fieldSelector,
    };
    const path = resourcePath(resource, { namespace: namespace || undefined });
    let events = 0;
    const end = await followWatch(
      {
        transport,
        clock,
        path,
        query,
        ...(options.metadataOnly && { accept: METADATA_ONLY.watch }),
        onSignOfLife: heard,
      },
      (event) => {
        events += 1;
        failures = 0;
        const { object } = event;
        if (event.type === 'ADDED' || event.type === 'MODIFIED') sink.seen(object, false);
        else if (event.type === 'DELETED') sink.gone(object);
        else if (event.type === 'ERROR') throw refusalOf(object);
        resourceVersion = object.metadata.resourceVersion;
      },
      signal,
    );
    if (events === 0 && end === 'timeout' && clock.now() - startedAt < TOO_SHORT_MS) {
      throw new Error('the watch ended as soon as it began');
    }
    return end;
  };

  /** How long to wait after a failure before the next try, in milliseconds. */
  const recover = (error: unknown): number => {
    const gone = error instanceof Expired || (error instanceof KubeError && error.status === 410);
    if (gone || error instanceof BrokenStream) {
      resourceVersion = undefined;
      options.onRestart?.(gone ? 'expired' : 'broken');
      log.info(`watch of ${name}: ${messageOf(error)}; listing again`);
      // A first one is ordinary; one after the other must not become a storm of lists.
      return failures++ === 0 ? random() * RELIST_SPREAD_MS : backOff();
    }
    const why = absenceOf(error);
    if (why) {
      resourceVersion = undefined;
      options.forget();
      // The sink keeps its records: a list tells what is left when the kind is back.
      if (!absent) log.info(`${name}: ${why}`);
      absent = true;
      synced = true;
      heard();
    } else log.error(`watch of ${name} failed: ${messageOf(error)}`);
    options.onRestart?.('error');
    failures += 1;
    const asked = error instanceof KubeError ? error.retryAfterMs : undefined;
    return Math.max(backOff(), asked ?? 0);
  };

  /** Why there is nothing to watch; undefined: there is, and it failed. */
  const absenceOf = (error: unknown): string | undefined => {
    if (!(error instanceof KubeError)) return undefined;
    if (error.status === 404 && options.optional) return 'the cluster does not serve this kind';
    if (error.status === 404) return 'the cluster does not serve this kind yet: are the CRDs installed?';
    return error.status === 403 && options.optional ? `not watched: ${error.message}` : undefined;
  };

  const backOff = () =>
    Math.min(FIRST_DELAY_MS * 2 ** (failures - 1), LONGEST_DELAY_MS) * (0.5 + random() / 2);

  const once = async (signal: AbortSignal) => {
    const resource = await options.resolve(signal);
    if (resourceVersion === undefined) {
      await list(resource, signal);
      if (absent) log.info(`${name}: the cluster serves this kind now, as ${resource.version}`);
      absent = false;
    }
    const end = await watch(resource, signal);
    options.onRestart?.(end);
    failures = 0;
  };

  return {
    get synced() {
      return synced;
    },
    live: () => synced && clock.now() - heardAt <= LIVE_MS,
    async run(signal) {
      while (!signal.aborted) {
        try {
          await once(signal);
        } catch (error) {
          if (signal.aborted) return;
          await sleep(clock, recover(error), signal).catch(() => {});
        }
      }
    },
  };
}

/** What an ERROR event says. */
function refusalOf(status: unknown): Error {
  const {
    code = 0,
    reason = '',
    message = 'no reason given',
  } = status as {
    code?: number;
    reason?: string;
    message?: string;
  };
  if (code === 410 || reason === 'Expired' || reason === 'Gone') return new Expired(message);
  return new KubeError(message, { status: code, reason });
}
