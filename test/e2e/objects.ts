/** What a person does with the objects of one kind in one namespace, and waits for. Nothing goes through the product. */
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import type { KindNames } from '../../shared/api/kind.ts';
import type { KubeClient } from '../../shared/kube/client.ts';
import { findCondition } from '../../shared/kube/conditions.ts';
import type { Condition, KubeObject, ReconcileStatus, Resource } from '../../shared/kube/resource.ts';
import { assertKstatus } from '../workbench/kstatus.ts';

export const REQUESTED_AT = 'reconcile.fluxcd.io/requestedAt';

/** A test that waits longer has failed, however busy the machine is. */
const PATIENCE_MS = 60_000;
const ASK_EVERY_MS = 10;

/** An object of a kind that is reconciled. */
export type Reconciled = KubeObject<object, ReconcileStatus>;

export interface Objects<O extends Reconciled> {
  /** Looked at every hour when the spec has no interval. */
  create(name: string, spec: Partial<O['spec']>, metadata?: object): Promise<void>;
  edit(name: string, spec: Partial<O['spec']>): Promise<void>;
  label(name: string, labels: Record<string, string>): Promise<void>;
  /** Asks for a run. @returns the token that the status will show */
  request(name: string): Promise<string>;
  remove(name: string): Promise<void>;
  read(name: string): Promise<O>;
  /** Waits for a state of the object. @param wanted its name, for the message */
  until(name: string, wanted: string, holds: (object: O) => boolean): Promise<O>;
  /** Waits until the object is Ready at its generation, with its latest request answered. */
  ready(name: string): Promise<O>;
  /** Waits until the object has Ready=False at its generation, and no run goes on. @returns that condition */
  failed(name: string): Promise<Condition>;
  gone(name: string): Promise<void>;
}

/** The newest version of one of our kinds. */
export function newest({ group, versions, plural, kind }: KindNames): Resource {
  return { group, version: versions[0]!, plural, kind, namespaced: true };
}

let requests = 0;

export function openObjects<O extends Reconciled>(
  kube: KubeClient,
  resource: Resource,
  namespace: string,
): Objects<O> {
  const ref = (name: string) => ({ namespace, name });
  const objects: Objects<O> = {
    async create(name, spec, metadata = {}) {
      const { group, version, kind } = resource;
      const body = { metadata: { name, ...metadata }, spec: { interval: '1h', ...spec } };
      await kube.create(resource, { namespace }, { apiVersion: `${group}/${version}`, kind, ...body });
    },
    async edit(name, spec) {
      await kube.patch(resource, ref(name), { spec });
    },
    async label(name, labels) {
      await kube.patch(resource, ref(name), { metadata: { labels } });
    },
    async request(name) {
      const token = `request-${++requests}`;
      await kube.patch(resource, ref(name), { metadata: { annotations: { [REQUESTED_AT]: token } } });
      return token;
    },
    remove: (name) => kube.delete(resource, ref(name)),
    async read(name) {
      const object = await kube.get<O>(resource, ref(name));
      assert.ok(object, `${name} is gone`);
      return object;
    },
    async until(name, wanted, holds) {
      let object: O | undefined;
      await eventually(
        async () => {
          object = await objects.read(name);
          return holds(object);
        },
        () => `${name} is not ${wanted}: ${JSON.stringify(object?.status)}`,
      );
      return object!;
    },
    async ready(name) {
      const object = await objects.until(name, 'Ready', ({ metadata, status }) => {
        const answered = metadata.annotations?.[REQUESTED_AT] === status?.lastHandledReconcileAt;
        return answered && status?.observedGeneration === metadata.generation && isReady({ status });
      });
      assertKstatus(object);
      return object;
    },
    async failed(name) {
      const object = await objects.until(name, 'failed', ({ metadata, status }) => {
        const ready = findCondition(status?.conditions, 'Ready');
        const isRunning = findCondition(status?.conditions, 'Reconciling')?.reason === 'Progressing';
        return ready?.status === 'False' && ready.observedGeneration === metadata.generation && !isRunning;
      });
      assertKstatus(object);
      return findCondition(object.status!.conditions, 'Ready')!;
    },
    gone: (name) =>
      eventually(
        async () => (await kube.get(resource, ref(name))) === undefined,
        () => `${name} is still there`,
      ),
  };
  return objects;
}

/** At rest, and Ready. */
export function isReady({ status }: Pick<Reconciled, 'status'>): boolean {
  const has = (type: string) => findCondition(status?.conditions, type)?.status === 'True';
  return has('Ready') && !has('Reconciling');
}

/** Asks until it holds. @throws AssertionError with `problem` after a minute */
export async function eventually(
  holds: () => boolean | Promise<boolean>,
  problem: () => string,
): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while (!(await holds())) {
    assert.ok(performance.now() < end, problem());
    await pause(ASK_EVERY_MS);
  }
}
