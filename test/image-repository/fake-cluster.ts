/** A cluster in memory, behind the interface of the client: counts what is asked of it, and fails when told to. */

import type { KubeClient, ListOptions, ListPage, ObjectRef } from '../../shared/kube/client.ts';
import { KubeError } from '../../shared/kube/errors.ts';
import type { KubeObject, Resource } from '../../shared/kube/resource.ts';

export type Verb = 'get' | 'list' | 'create' | 'patch' | 'delete' | 'getPath';

/** One request: `patch imagerepositories/status apps/web`. */
export interface Call {
  verb: Verb;
  resource: string;
  name: string;
  body?: unknown;
}

export interface FakeCluster extends KubeClient {
  calls: Call[];
  /** Called before each request is served; what it throws is the answer. */
  before: (call: Call) => void | Promise<void>;
  /** Puts an object as somebody else would: a new resource version, a new generation when the spec differs. */
  put(
    resource: Resource,
    object: Partial<KubeObject> & { metadata: { namespace?: string; name: string } },
  ): void;
  read<T = KubeObject>(resource: Resource, namespace: string, name: string): T | undefined;
  /** Deletes as `kubectl delete` does: objects with a finalizer stay, marked. */
  remove(resource: Resource, namespace: string, name: string): void;
  /** Every object of a resource. */
  all<T = KubeObject>(resource: Resource): T[];
  /** Versions of `image.toolkit.fluxcd.io` that are served. */
  versions: string[];
}

const NEVER = new AbortController().signal;

export function createFakeCluster(now: () => number = Date.now): FakeCluster {
  const objects = new Map<string, KubeObject>();
  let version = 0;
  let uids = 0;

  const keyOf = (resource: Resource, namespace: string | undefined, name: string) =>
    `${resource.group}/${resource.plural}/${namespace ?? ''}/${name}`;
  const store = (key: string, object: KubeObject) => {
    object.metadata.resourceVersion = String(++version);
    if (object.metadata.deletionTimestamp && !object.metadata.finalizers?.length) objects.delete(key);
    else objects.set(key, object);
  };
  const served = async (call: Call, signal: AbortSignal = NEVER) => {
    signal.throwIfAborted();
    cluster.calls.push(call);
    await cluster.before(call);
  };
  const notFound = (ref: ObjectRef) =>
    new KubeError(`${ref.name} not found`, { status: 404, reason: 'NotFound' });

  const cluster: FakeCluster = {
    calls: [],
    before: () => {},
    versions: ['v1', 'v1beta2', 'v1beta1'],

    async get<T>(resource: Resource, ref: ObjectRef, signal?: AbortSignal) {
      await served({ verb: 'get', resource: resource.plural, name: ref.name }, signal);
      if (resource.group === 'image.toolkit.fluxcd.io' && !cluster.versions.includes(resource.version))
        return undefined;
      const object = objects.get(keyOf(resource, ref.namespace, ref.name));
      return object && (structuredClone(object) as T);
    },

    async list<T>(resource: Resource, options: ListOptions = {}, signal?: AbortSignal): Promise<ListPage<T>> {
      await served({ verb: 'list', resource: resource.plural, name: '' }, signal);
      const prefix = keyOf(resource, options.namespace, '');
      const items = [...objects].filter(([key]) => key.startsWith(prefix)).map(([, object]) => object as T);
      return { items: structuredClone(items), resourceVersion: String(version) };
    },

    async create<T>(
      resource: Resource,
      ref: { namespace?: string; name?: string; subresource?: string },
      body: unknown,
      signal?: AbortSignal,
    ) {
      const created = structuredClone(body) as KubeObject;
      const name = ref.name ?? created.metadata.name;
      await served({ verb: 'create', resource: resource.plural, name, body }, signal);
      const key = keyOf(resource, ref.namespace, name);
      if (objects.has(key))
        throw new KubeError(`${name} already exists`, { status: 409, reason: 'AlreadyExists' });
      created.metadata = { ...created.metadata, uid: `uid-${++uids}`, generation: 1 };
      store(key, created);
      return structuredClone(created) as T;
    },

    async patch<T>(resource: Resource, ref: ObjectRef, body: unknown, signal?: AbortSignal) {
      const plural = ref.subresource ? `${resource.plural}/${ref.subresource}` : resource.plural;
      await served({ verb: 'patch', resource: plural, name: ref.name, body }, signal);
      const key = keyOf(resource, ref.namespace, ref.name);
      const stored = objects.get(key);
      if (!stored) throw notFound(ref);
      const patch = body as Partial<KubeObject>;
      const guard = patch.metadata?.resourceVersion;
      if (guard !== undefined && guard !== stored.metadata.resourceVersion) {
        throw new KubeError(`${ref.name} was changed`, { status: 409, reason: 'Conflict' });
      }
      if (patch.metadata?.uid !== undefined && patch.metadata.uid !== stored.metadata.uid) {
        throw new KubeError(`${ref.name} is another object`, { status: 409, reason: 'Conflict' });
      }
      const allowed = ref.subresource === 'status' ? { status: patch.status } : { metadata: patch.metadata };
      const patched = merge(stored, allowed) as KubeObject;
      patched.metadata = { ...patched.metadata, uid: stored.metadata.uid };
      store(key, patched);
      return structuredClone(patched) as T;
    },

    async delete(resource, ref, _options, signal) {
      await served({ verb: 'delete', resource: resource.plural, name: ref.name }, signal);
      cluster.remove(resource, ref.namespace ?? '', ref.name);
    },

    async getPath<T>(path: string, signal?: AbortSignal) {
      await served({ verb: 'getPath', resource: path, name: '' }, signal);
      return discovery(path, cluster.versions) as T | undefined;
    },

    put(resource, object) {
      const key = keyOf(resource, object.metadata.namespace, object.metadata.name);
      const stored = objects.get(key);
      const next = structuredClone({ ...stored, ...object }) as KubeObject;
      const edited = stored !== undefined && JSON.stringify(stored.spec) !== JSON.stringify(next.spec);
      next.metadata = {
        ...stored?.metadata,
        ...object.metadata,
        uid: object.metadata.uid ?? stored?.metadata.uid ?? `uid-${++uids}`,
        generation: (stored?.metadata.generation ?? 1) + (edited ? 1 : 0),
      } as KubeObject['metadata'];
      store(key, next);
    },

    read<T>(resource: Resource, namespace: string, name: string) {
      return structuredClone(objects.get(keyOf(resource, namespace, name))) as T | undefined;
    },

    remove(resource, namespace, name) {
      const key = keyOf(resource, namespace, name);
      const stored = objects.get(key);
      if (!stored) return;
      const deletionTimestamp = new Date(now()).toISOString();
      store(key, { ...stored, metadata: { ...stored.metadata, deletionTimestamp } });
    },

    all<T>(resource: Resource) {
      const prefix = `${resource.group}/${resource.plural}/`;
      return structuredClone([...objects].filter(([key]) => key.startsWith(prefix)).map(([, o]) => o)) as T[];
    },
  };
  return cluster;
}

/** RFC 7386. */
function merge(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return structuredClone(patch);
  const result: Record<string, unknown> = isMap(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else if (value !== undefined) result[name] = merge(result[name], value);
  }
  return result;
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What discovery says of the group, or of one version of it. */
function discovery(path: string, versions: string[]): unknown {
  const [, , group, version] = path.split('/');
  if (group !== 'image.toolkit.fluxcd.io') return undefined;
  const groupVersions = versions.map((served) => ({ groupVersion: `${group}/${served}`, version: served }));
  if (version === undefined) {
    return { kind: 'APIGroup', name: group, versions: groupVersions, preferredVersion: groupVersions[0] };
  }
  if (!versions.includes(version)) return undefined;
  const resources = [
    { name: 'imagerepositories', kind: 'ImageRepository', namespaced: true },
    { name: 'imagerepositories/status', kind: 'ImageRepository', namespaced: true },
    { name: 'imagepolicies', kind: 'ImagePolicy', namespaced: true },
  ];
  return { kind: 'APIResourceList', groupVersion: `${group}/${version}`, resources };
}
