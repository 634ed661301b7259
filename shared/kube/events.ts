/**
 * Kubernetes events (IR-EVT-2, decisions 6 and 7). Equal events of an object are one event with a count: its name is a
 * hash of what makes them equal, so that functions which share no memory find the same one.
 */
import { hash } from 'node:crypto';
import type { Clock } from '../runtime/clock.ts';
import type { KubeClient } from './client.ts';
import { cutMessage, rfc3339 } from './conditions.ts';
import { isAlreadyExists, isConflict, isNotFound } from './errors.ts';
import { EVENTS, type KubeObject, type ObjectMeta } from './resource.ts';
import { FIELD_MANAGER } from './rest-client.ts';

export interface EventRecord {
  kube: KubeClient;
  clock: Clock;
  /** The object that the event is about. */
  object: KubeObject;
  type: 'Normal' | 'Warning';
  reason: string;
  message: string;
  /** `source.component`: the name that people's filters know, e.g. `image-reflector-controller`. */
  component: string;
  /** Part of what is told, e.g. the digest of an artifact: with others it is another event. */
  annotations?: Record<string, string>;
  /** Annotations of the object that its events carry as well. */
  handedDown?: Record<string, string>;
}

/** Equal events are written at most so often. */
const QUIET_MS = 60_000;

/** Events that one process remembers; what is forgotten costs one request more. */
const MAX_REMEMBERED = 5000;

const LONGEST_NAME = 253;

/** A stored event as this process last saw it. */
interface Known {
  count: number;
  resourceVersion: string;
  /** Milliseconds since 1970. */
  writtenAt: number;
  /** Occurrences that `count` lacks. */
  unwritten: number;
}

interface StoredEvent {
  metadata: ObjectMeta;
  count?: number;
  lastTimestamp?: string;
}

/** By name; those written last stand last. Per client, that is per cluster. */
const memories = new WeakMap<KubeClient, Map<string, Known>>();

/**
 * Records that something happened to an object: a POST for something new, a PATCH for a repetition, nothing for a
 * repetition within a minute (it is counted with the next one that is written).
 * @returns whether something was written
 * @throws KubeError. The caller logs it: no run fails for want of an event
 */
export async function recordEvent(record: EventRecord, signal: AbortSignal): Promise<boolean> {
  const { kube, clock } = record;
  const ref = { namespace: record.object.metadata.namespace ?? 'default', name: eventName(record) };
  const memory = memoryOf(kube);
  const now = clock.now();

  let known = memory.get(ref.name);
  let stored = known ? undefined : await create(record, ref, now, signal);
  if (!stored) {
    known ??= seen(await read(kube, ref, signal), Date.parse);
    known.unwritten++;
    if (now - known.writtenAt < QUIET_MS) {
      remember(memory, ref.name, known);
      return false;
    }
    stored = await raise(record, ref, known, now, signal);
  }
  remember(
    memory,
    ref.name,
    seen(stored, () => now),
  );
  return true;
}

/** Undefined: there is one of that name. */
async function create(
  record: EventRecord,
  ref: EventRef,
  now: number,
  signal: AbortSignal,
): Promise<StoredEvent | undefined> {
  try {
    return await record.kube.create<StoredEvent>(
      EVENTS,
      { namespace: ref.namespace },
      body(record, ref, now),
      signal,
    );
  } catch (error) {
    if (isAlreadyExists(error)) return undefined;
    throw error;
  }
}

/** Adds the occurrences that are not written yet. The server drops events after an hour: then it is a new one. */
async function raise(
  record: EventRecord,
  ref: EventRef,
  known: Known,
  now: number,
  signal: AbortSignal,
): Promise<StoredEvent> {
  const { kube } = record;
  const write = (count: number, resourceVersion: string) => {
    const patch = {
      metadata: { resourceVersion },
      count: count + known.unwritten,
      lastTimestamp: rfc3339(now),
    };
    return kube.patch<StoredEvent>(EVENTS, ref, patch, signal);
  };
  try {
    return await write(known.count, known.resourceVersion);
  } catch (error) {
    if (isConflict(error)) {
      const fresh = await read(kube, ref, signal);
      return write(fresh.count ?? 1, fresh.metadata.resourceVersion);
    }
    if (!isNotFound(error)) throw error;
    return kube.create<StoredEvent>(EVENTS, { namespace: ref.namespace }, body(record, ref, now), signal);
  }
}

/** An empty patch answers with what is stored and writes nothing: functions may patch events, not read them (IR-RUN-1). */
function read(kube: KubeClient, ref: EventRef, signal: AbortSignal): Promise<StoredEvent> {
  return kube.patch<StoredEvent>(EVENTS, ref, {}, signal);
}

type EventRef = { namespace: string; name: string };

function body(record: EventRecord, ref: EventRef, now: number): unknown {
  const { object, type, reason, message, component } = record;
  const { namespace, name, uid, resourceVersion } = object.metadata;
  const time = rfc3339(now);
  const annotations = { ...record.handedDown, ...record.annotations };
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { ...ref, ...(Object.keys(annotations).length > 0 && { annotations }) },
    involvedObject: {
      apiVersion: object.apiVersion,
      kind: object.kind,
      namespace,
      name,
      uid,
      resourceVersion,
    },
    type,
    reason,
    message: cutMessage(message),
    source: { component },
    reportingComponent: FIELD_MANAGER,
    reportingInstance: FIELD_MANAGER,
    firstTimestamp: time,
    lastTimestamp: time,
    count: 1,
  };
}

/** `<object>.<hash of uid, type, reason, message and annotations>`. */
export function eventName({ object, type, reason, message, annotations }: EventRecord): string {
  const { name, uid } = object.metadata;
  const told = [uid, type, reason, message, ...(annotations ? [annotations] : [])];
  const equal = hash('sha256', JSON.stringify(told)).slice(0, 16);
  return `${name.slice(0, LONGEST_NAME - equal.length - 1).replace(/[.-]+$/, '')}.${equal}`;
}

function seen(event: StoredEvent, writtenAt: (lastTimestamp: string) => number): Known {
  return {
    count: event.count ?? 1,
    resourceVersion: event.metadata.resourceVersion,
    writtenAt: writtenAt(event.lastTimestamp ?? '') || 0,
    unwritten: 0,
  };
}

function memoryOf(kube: KubeClient): Map<string, Known> {
  let memory = memories.get(kube);
  if (!memory) {
    memory = new Map();
    memories.set(kube, memory);
  }
  return memory;
}

function remember(memory: Map<string, Known>, name: string, known: Known): void {
  memory.delete(name);
  memory.set(name, known);
  if (memory.size > MAX_REMEMBERED) memory.delete(memory.keys().next().value!);
}
