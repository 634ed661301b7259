/**
 * A cluster in memory behind the interface of the client: resource versions, generations, finalizers, merge patches and
 * the defaults of our kinds, without a process. What it cannot show, the tests show on a real API server.
 */
import { findKind, KINDS } from '../../shared/api/kinds.ts';
import type { KubeClient, ListOptions, ListPage, ObjectRef } from '../../shared/kube/client.ts';
import { KubeError } from '../../shared/kube/errors.ts';
import type { KubeObject, Resource } from '../../shared/kube/resource.ts';

/** One request, before it is served. */
export interface Call {
  verb: 'get' | 'list' | 'create' | 'patch' | 'delete' | 'getPath';
  /** `imagerepositories/status`; a path. */
  on: string;
  body?: unknown;
}

export interface FakeCluster extends KubeClient {
  /** Called before each request is served; what it throws is the answer. */
  before: (call: Call) => void | Promise<void>;
  /** Versions of our kinds that are served. */
  versions: string[];
  /** What a CRD of another release does to an object that is written: no defaults of ours, members taken out. */
  prune: ((object: KubeObject) => void) | undefined;
}

export function createFakeCluster(): FakeCluster {
  const objects = new Map<string, KubeObject>();
  let writes = 0;

  const keyOf = (resource: Resource, namespace = '', name = '') =>
    `${resource.group}/${resource.plural}/${namespace}/${name}`;
  const isServed = ({ group, version }: Resource) =>
    !KINDS.some((kind) => kind.group === group) || cluster.versions.includes(version);
  const kindOf = ({ apiVersion, kind }: KubeObject) => findKind(apiVersion.split('/', 1)[0]!, kind);
  const serve = async (call: Call, signal?: AbortSignal) => {
    signal?.throwIfAborted();
    await cluster.before(call);
  };
  const store = <T>(key: string, object: KubeObject): T => {
    object.metadata.resourceVersion = String(++writes);
    if (kindOf(object)) cluster.prune?.(object);
    const { deletionTimestamp, finalizers } = object.metadata;
    if (deletionTimestamp && !finalizers?.length) objects.delete(key);
    else objects.set(key, object);
    return structuredClone(object) as T;
  };
  const refuse = (status: number, reason: string, name: string) =>
    new KubeError(`${name}: ${reason}`, { status, reason });

  const cluster: FakeCluster = {
    before: () => {},
    versions: KINDS.flatMap(({ versions }) => versions),
    prune: undefined,

    async get<T>(resource: Resource, ref: ObjectRef, signal?: AbortSignal) {
      await serve({ verb: 'get', on: resource.plural }, signal);
      if (!isServed(resource)) return undefined;
      return structuredClone(objects.get(keyOf(resource, ref.namespace, ref.name))) as T | undefined;
    },

    async list<T>(resource: Resource, options: ListOptions = {}, signal?: AbortSignal): Promise<ListPage<T>> {
      await serve({ verb: 'list', on: resource.plural }, signal);
      const prefix = keyOf(resource, options.namespace);
      const items = [...objects].filter(([key]) => key.startsWith(prefix)).map(([, object]) => object as T);
      return { items: structuredClone(items), resourceVersion: String(writes) };
    },

    async create<T>(
      resource: Resource,
      ref: { namespace?: string; name?: string; subresource?: string },
      body: unknown,
      signal?: AbortSignal,
    ) {
      await serve({ verb: 'create', on: resource.plural, body }, signal);
      const object = structuredClone(body) as KubeObject;
      const key = keyOf(resource, ref.namespace, object.metadata.name);
      if (objects.has(key)) throw refuse(409, 'AlreadyExists', object.metadata.name);
      object.metadata = { ...object.metadata, uid: `uid-${writes}`, generation: 1 };
      const kind = kindOf(object);
      if (kind && !cluster.prune) {
        const { spec, status } = kind.schema.parse(object);
        Object.assign(object, { spec, status });
      }
      return store<T>(key, object);
    },

    async patch<T>(resource: Resource, ref: ObjectRef, body: unknown, signal?: AbortSignal) {
      const on = ref.subresource ? `${resource.plural}/${ref.subresource}` : resource.plural;
      await serve({ verb: 'patch', on, body }, signal);
      const key = keyOf(resource, ref.namespace, ref.name);
      const stored = objects.get(key);
      if (!stored || !isServed(resource)) throw refuse(404, 'NotFound', ref.name);
      const { status, ...rest } = body as Partial<KubeObject>;
      const { resourceVersion } = stored.metadata;
      if ((rest.metadata?.resourceVersion ?? resourceVersion) !== resourceVersion) {
        throw refuse(409, 'Conflict', ref.name);
      }
      const patched = merge(stored, ref.subresource === 'status' ? { status } : rest) as KubeObject;
      const isEdited = JSON.stringify(stored.spec) !== JSON.stringify(patched.spec);
      const generation = (stored.metadata.generation ?? 1) + (isEdited ? 1 : 0);
      patched.metadata = { ...patched.metadata, uid: stored.metadata.uid, generation };
      return store<T>(key, patched);
    },

    async delete(resource, ref, _options, signal) {
      await serve({ verb: 'delete', on: resource.plural }, signal);
      const key = keyOf(resource, ref.namespace, ref.name);
      const stored = objects.get(key);
      if (!stored) return;
      const deletionTimestamp = stored.metadata.deletionTimestamp ?? new Date().toISOString();
      store(key, { ...stored, metadata: { ...stored.metadata, deletionTimestamp } });
    },

    async getPath<T>(path: string, signal?: AbortSignal) {
      await serve({ verb: 'getPath', on: path }, signal);
      const [, , group, version = ''] = path.split('/');
      const served = KINDS.filter((kind) => kind.group === group);
      if (served.length === 0 || !cluster.versions.includes(version)) return undefined;
      return { resources: served.map(({ plural, namespaced }) => ({ name: plural, namespaced })) } as T;
    },
  };
  return cluster;
}

/** RFC 7386. */
function merge(target: unknown, patch: unknown): unknown {
  if (!isMap(patch)) return structuredClone(patch);
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
