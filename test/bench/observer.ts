/** Watches the objects of a scenario from outside and counts what is written, as any client of the cluster could. */
import { createInterface } from 'node:readline';
import type { KubeClient } from '../../shared/kube/client.ts';
import {
  EVENTS,
  type KubeObject,
  type ReconcileStatus,
  type Resource,
  resourcePath,
} from '../../shared/kube/resource.ts';
import type { KubeTransport } from '../../shared/kube/transport.ts';

export interface Writes {
  status: number;
  object: number;
  events: number;
}

interface Seen {
  generation: number;
  finalizers: number;
  ready: boolean;
}

type Observed = KubeObject<unknown, ReconcileStatus>;

export interface Observer {
  /** Writes since the observer started, but for changes of `spec`, which are the scenario's own. */
  writes(): Writes;
  readyCount(): number;
  /** Resolves with the time (`performance.now()`) at which `holds` became true for an event of that object. */
  until(name: string, holds: (object: Observed) => boolean): Promise<number>;
  untilReady(count: number): Promise<void>;
  stop(): void;
}

export function isReady(object: Observed): boolean {
  const { generation } = object.metadata;
  const ready = object.status?.conditions?.find((condition) => condition.type === 'Ready');
  return ready?.status === 'True' && ready.observedGeneration === generation;
}

/** Watches `resource` and the Events of `namespace` until it is stopped. */
export async function observe(
  { kube, transport }: { kube: KubeClient; transport: KubeTransport },
  resource: Resource,
  namespace: string,
): Promise<Observer> {
  const stopped = new AbortController();
  const seen = new Map<string, Seen>();
  const writes: Writes = { status: 0, object: 0, events: 0 };
  const waiting = new Set<{ holds: (object: Observed) => boolean; done: () => void }>();
  let ready = 0;

  const onObject = (type: string, object: Observed) => {
    const { name, generation = 0, finalizers = [] } = object.metadata;
    const before = seen.get(name);
    const now = { generation, finalizers: finalizers.length, ready: isReady(object) };
    if (type === 'DELETED') seen.delete(name);
    else seen.set(name, now);
    ready += Number(type !== 'DELETED' && now.ready) - Number(before?.ready ?? false);
    if (type === 'MODIFIED' && before && before.generation === generation) {
      if (before.finalizers === now.finalizers) writes.status++;
      else writes.object++;
    }
    for (const one of waiting) {
      if (!one.holds(object)) continue;
      waiting.delete(one);
      one.done();
    }
  };

  await follow({ kube, transport }, resource, namespace, onObject, stopped.signal);
  await follow({ kube, transport }, EVENTS, namespace, () => writes.events++, stopped.signal);

  const wait = (holds: (object: Observed) => boolean) =>
    new Promise<number>((resolve) => waiting.add({ holds, done: () => resolve(performance.now()) }));
  return {
    writes: () => ({ ...writes }),
    readyCount: () => ready,
    until: (name, holds) => wait((object) => object.metadata.name === name && holds(object)),
    async untilReady(count) {
      if (ready < count) await wait(() => ready >= count);
    },
    stop: () => stopped.abort(),
  };
}

/** Answers once the watch is open; what exists already is handed out as ADDED first, except Events. */
async function follow(
  { kube, transport }: { kube: KubeClient; transport: KubeTransport },
  resource: Resource,
  namespace: string,
  onEvent: (type: string, object: Observed) => void,
  signal: AbortSignal,
): Promise<void> {
  const page = await kube.list<Observed>(resource, { namespace }, signal);
  if (resource !== EVENTS) for (const object of page.items) onEvent('ADDED', object);
  const query = { watch: 'true', resourceVersion: page.resourceVersion, timeoutSeconds: '3600' };
  const { body } = await transport.open({ path: resourcePath(resource, { namespace }), query }, signal);
  const lines = createInterface({ input: body });
  lines.on('line', (line) => {
    const event = JSON.parse(line) as { type: string; object: Observed };
    if (event.type === 'ERROR') throw new Error(`the watch of the benchmark ended: ${line}`);
    onEvent(event.type, event.object);
  });
  body.on('error', () => {});
  lines.on('error', () => {});
}
