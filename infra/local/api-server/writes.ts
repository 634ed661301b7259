/** Create, update and patch: what becomes of an object between the request and the store. */
import { randomUUID } from 'node:crypto';
import { admit, readObject } from './admission.ts';
import { type ApiMeta, type ApiObject, compact, timestamp } from './api-object.ts';
import { NAMESPACE_RESOURCE } from './builtin/namespace.ts';
import { asStored, keyOf, type Stored } from './collection.ts';
import { trackUpdate, type Writer } from './managed-fields.ts';
import { generatedName } from './names.ts';
import { forbiddenValue, invalidValue, requiredValue } from './problems.ts';
import { groupVersion, type ResourceDefinition } from './resource-definition.ts';
import type { ServerContext } from './server-context.ts';
import {
  alreadyExists,
  badRequest,
  conflict,
  forbidden,
  invalid,
  notFound,
  outdated,
} from './status-error.ts';
import { requireStored, type Target } from './target.ts';
import { equal, textAt, without } from './tree.ts';
import type { WriteOptions } from './write-options.ts';

export interface WriteResult {
  code: 200 | 201;
  stored: Stored;
}

/** What a write brings along beside the object. */
export interface Write {
  options: WriteOptions;
  warnings: string[];
  /** Ownership that an apply has worked out itself. */
  managedFields?: ApiMeta['managedFields'];
  how: 'body' | 'patch';
}

/** @throws StatusError 400, 403, 404, 409, 422 */
export function createObject(
  context: ServerContext,
  target: Target,
  raw: unknown,
  write: Write,
): WriteResult {
  const { definition, version } = target;
  const sent = readObject(definition, version, raw, write.options, write.how, write.warnings);
  const { namespace } = sent.metadata;
  if (sent.metadata.resourceVersion) {
    throw badRequest('resourceVersion should not be set on objects to be created');
  }
  if (namespace && namespace !== target.namespace) throw wrongNamespace();
  const name = sent.metadata.name || nameFrom(context, sent.metadata.generateName);
  if (name === '') {
    const why = 'name or generateName is required';
    throw invalid(definition, '', [requiredValue('metadata.name', why)]);
  }
  if (definition.namespaced) requireLiveNamespace(context, definition, target.namespace, name);
  const now = context.now();
  const { labels, annotations, finalizers, ownerReferences, generateName } = sent.metadata;
  const metadata: ApiMeta = {
    name,
    ...(generateName && { generateName }),
    ...(definition.namespaced && { namespace: target.namespace }),
    uid: randomUUID(),
    ...(definition.custom && { generation: 1 }),
    creationTimestamp: timestamp(now),
    ...compact({ labels, annotations, finalizers, ownerReferences }),
  };
  const blank = definition.statusSubresource ? (without(sent, 'status') as ApiObject) : sent;
  const admitted = admit(definition, { ...blank, metadata }, undefined, now);
  const collection = context.state.collection(definition);
  if (collection.get(keyOf(metadata.namespace, name))) throw alreadyExists(definition, name);
  const managedFields =
    write.managedFields ??
    trackUpdate(
      definition.schema,
      undefined,
      admitted,
      writerOf(target, write.options),
      now,
      definition.structs,
    );
  const object = { ...admitted, metadata: { ...admitted.metadata, ...compact({ managedFields }) } };
  return { code: 201, stored: store(context, definition, object, write.options) };
}

/**
 * Puts an object in the place of the stored one: a whole body, or what a patch made of it.
 * @throws StatusError 400, 404, 409, 422
 */
export function updateObject(
  context: ServerContext,
  target: Target,
  raw: unknown,
  write: Write,
): WriteResult {
  const { definition, version } = target;
  const isStatus = target.subresource === 'status';
  const sent = readObject(definition, version, raw, write.options, write.how, write.warnings, isStatus);
  checkIdentity(target, sent);
  const stored = requireStored(context, target);
  const before = stored.object;
  checkVersion(definition, sent.metadata, before.metadata, write.how);
  const now = context.now();
  const changed = mergeHalves(target, before, sent);
  const admitted = admit(definition, changed, before, now);
  checkFinalizers(definition, before, admitted);
  const managedFields =
    write.managedFields ??
    trackUpdate(
      definition.schema,
      before,
      {
        ...admitted,
        metadata: { ...admitted.metadata, managedFields: sent.metadata.managedFields },
      } as ApiObject,
      writerOf(target, write.options),
      now,
      definition.structs,
    );
  const { managedFields: _old, ...meta } = admitted.metadata;
  const object = { ...admitted, metadata: { ...meta, ...compact({ managedFields }) } };
  if (equal(object, before)) return { code: 200, stored };
  if (object.metadata.deletionTimestamp && !object.metadata.finalizers?.length) {
    if (!write.options.dryRun) context.state.remove(definition, object);
    return { code: 200, stored: asStored(object) };
  }
  return { code: 200, stored: store(context, definition, object, write.options) };
}

/** Which half of an object a path writes: `status`, or all the rest. */
function mergeHalves(target: Target, before: ApiObject, sent: ApiObject): ApiObject {
  const { definition, subresource } = target;
  if (subresource === 'status') {
    const rest = without(before, 'status') as ApiObject;
    return sent.status === undefined ? rest : { ...rest, status: sent.status };
  }
  const { labels, annotations, finalizers, ownerReferences } = sent.metadata;
  const kept = { ...before.metadata };
  for (const name of ['labels', 'annotations', 'finalizers', 'ownerReferences'] as const) delete kept[name];
  const metadata = { ...kept, ...compact({ labels, annotations, finalizers, ownerReferences }) };
  const object: ApiObject = { ...sent, metadata };
  if (!definition.statusSubresource) return object;
  const desired = without(object, 'status') as ApiObject;
  const whole = before.status === undefined ? desired : { ...desired, status: before.status };
  if (!definition.custom || metadata.generation === undefined || sameDesire(before, whole)) return whole;
  return { ...whole, metadata: { ...metadata, generation: metadata.generation + 1 } };
}

/** Is everything but metadata and status equal? */
function sameDesire(a: ApiObject, b: ApiObject): boolean {
  return equal(
    { ...a, metadata: undefined, status: undefined },
    { ...b, metadata: undefined, status: undefined },
  );
}

function checkIdentity(target: Target, sent: ApiObject): void {
  const { name, namespace } = sent.metadata;
  if (name !== target.name) {
    throw badRequest(
      name === ''
        ? `the name of the object (${target.name} based on URL) was undeterminable: name must be provided`
        : `the name of the object (${name}) does not match the name on the URL (${target.name})`,
    );
  }
  if (namespace && namespace !== target.namespace) throw wrongNamespace();
}

function wrongNamespace() {
  return badRequest('the namespace of the provided object does not match the namespace sent on the request');
}

function checkVersion(
  definition: ResourceDefinition,
  sent: ApiMeta,
  stored: ApiMeta,
  how: 'body' | 'patch',
): void {
  if (!sent.resourceVersion && how === 'body' && definition.custom) {
    throw invalid({ group: definition.group, kind: definition.plural }, stored.name, [
      invalidValue('metadata.resourceVersion', 0, 'must be specified for an update'),
    ]);
  }
  if (sent.uid && sent.uid !== stored.uid) {
    if (how === 'patch') {
      throw invalid(definition, stored.name, [invalidValue('metadata.uid', sent.uid, 'field is immutable')]);
    }
    const why = `Precondition failed: UID in precondition: ${sent.uid}, UID in object meta: ${stored.uid}`;
    throw conflict(definition, stored.name, why);
  }
  if (sent.resourceVersion && sent.resourceVersion !== stored.resourceVersion) {
    throw outdated(definition, stored.name);
  }
}

function checkFinalizers(definition: ResourceDefinition, before: ApiObject, after: ApiObject): void {
  if (!before.metadata.deletionTimestamp) return;
  const known = before.metadata.finalizers ?? [];
  const added = (after.metadata.finalizers ?? []).filter((finalizer) => !known.includes(finalizer));
  if (added.length === 0) return;
  const list = added.map((finalizer) => JSON.stringify(finalizer)).join(', ');
  const why = `no new finalizers can be added if the object is being deleted, found new finalizers []string{${list}}`;
  throw invalid(definition, after.metadata.name, [forbiddenValue('metadata.finalizers', why)]);
}

function requireLiveNamespace(
  context: ServerContext,
  definition: ResourceDefinition,
  namespace: string,
  name: string,
): void {
  const found = context.state.collection(NAMESPACE_RESOURCE).get(namespace);
  if (!found) throw notFound(NAMESPACE_RESOURCE, namespace);
  if (textAt(found.object, 'status', 'phase') !== 'Terminating') return;
  const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
  const cause = {
    reason: 'NamespaceTerminating',
    message: `namespace ${namespace} is being terminated`,
    field: 'metadata.namespace',
  };
  throw forbidden(definition, name, why, [cause]);
}

function nameFrom(context: ServerContext, prefix: string | undefined): string {
  return prefix ? generatedName(prefix, context.random) : '';
}

function writerOf(target: Target, options: WriteOptions): Writer {
  return {
    manager: options.manager,
    operation: 'Update',
    apiVersion: groupVersion(target.definition.group, target.version),
    subresource: target.subresource,
  };
}

function store(
  context: ServerContext,
  definition: ResourceDefinition,
  object: ApiObject,
  options: WriteOptions,
): Stored {
  if (options.dryRun) return asStored(object);
  return context.state.put(definition, object);
}
