/** Deletion: at once, or, with finalizers, marked and finished by whoever removes the last of them. */
import { type ApiObject, timestamp } from './api-object.ts';
import { NAMESPACE_RESOURCE, PROTECTED_NAMESPACES } from './builtin/namespace.ts';
import { asStored, type Stored } from './collection.ts';
import { orphanDependents } from './garbage-controller.ts';
import { unsupportedValue } from './problems.ts';
import type { ServerContext } from './server-context.ts';
import { conflict, forbidden, invalid } from './status-error.ts';
import { requireStored, type Target } from './target.ts';
import { textAt, treeAt, valueAt } from './tree.ts';

export interface DeleteOptions {
  dryRun: boolean;
  /** Delete only this very object, in this very version. */
  uid?: string;
  resourceVersion?: string;
  /** What happens to the objects that belong to it. Foreground is done as Background: nothing waits. */
  propagationPolicy: 'Background' | 'Foreground' | 'Orphan';
}

const POLICIES = ['Orphan', 'Background', 'Foreground'];

/** Reads the options from the query and the body, which wins. @throws StatusError 422 */
export function readDeleteOptions(query: URLSearchParams, body: unknown): DeleteOptions {
  const policy = textAt(body, 'propagationPolicy') || query.get('propagationPolicy') || 'Background';
  const orphan = valueAt(body, 'orphanDependents') ?? query.get('orphanDependents') === 'true';
  const given = valueAt(body, 'dryRun');
  const dryRun = Array.isArray(given) && given.length > 0 ? given : query.getAll('dryRun');
  const problems = [];
  if (!POLICIES.includes(policy)) problems.push(unsupportedValue('propagationPolicy', policy, POLICIES));
  if (dryRun.some((value) => value !== 'All')) problems.push(unsupportedValue('dryRun', dryRun, ['All']));
  if (problems.length > 0) throw invalid({ group: 'meta.k8s.io', kind: 'DeleteOptions' }, '', problems);
  const { uid, resourceVersion } = treeAt(body, 'preconditions');
  return {
    dryRun: dryRun.length > 0,
    propagationPolicy: orphan === true ? 'Orphan' : (policy as DeleteOptions['propagationPolicy']),
    ...(typeof uid === 'string' && uid !== '' && { uid }),
    ...(typeof resourceVersion === 'string' && resourceVersion !== '' && { resourceVersion }),
  };
}

export interface Deletion {
  stored: Stored;
  /** False: the object is still there and waits for its finalizers. */
  removed: boolean;
}

/** @throws StatusError 403, 404, 409 */
export function deleteObject(context: ServerContext, target: Target, options: DeleteOptions): Deletion {
  const { definition } = target;
  const stored = requireStored(context, target);
  const { object } = stored;
  checkPreconditions(target, object, options);
  const isNamespace = definition === NAMESPACE_RESOURCE;
  if (isNamespace && PROTECTED_NAMESPACES.includes(target.name)) {
    throw forbidden(definition, target.name, 'this namespace may not be deleted');
  }
  if (options.propagationPolicy === 'Orphan' && !options.dryRun) orphanDependents(context, object);
  const waits = isNamespace || Boolean(object.metadata.finalizers?.length);
  if (!waits) {
    if (!options.dryRun) context.state.remove(definition, object);
    return { stored, removed: true };
  }
  if (object.metadata.deletionTimestamp) return { stored, removed: false };
  const marked = markDeleted(object, isNamespace, context.now());
  const kept = options.dryRun ? asStored(marked) : context.state.put(definition, marked);
  return { stored: kept, removed: false };
}

function markDeleted(object: ApiObject, isNamespace: boolean, now: number): ApiObject {
  const { metadata } = object;
  const deletionTimestamp = timestamp(now);
  if (isNamespace) {
    const status = { ...treeAt(object, 'status'), phase: 'Terminating' };
    return { ...object, metadata: { ...metadata, deletionTimestamp }, status };
  }
  const { generation } = metadata;
  return {
    ...object,
    metadata: {
      ...metadata,
      ...(generation !== undefined && { generation: generation + 1 }),
      deletionTimestamp,
      deletionGracePeriodSeconds: 0,
    },
  };
}

function checkPreconditions(target: Target, object: ApiObject, options: DeleteOptions): void {
  const { uid, resourceVersion } = object.metadata;
  // The real server names the kind here, not the plural.
  const about = { ...target.definition, plural: target.definition.kind };
  if (options.uid !== undefined && options.uid !== uid) {
    const why = `the UID in the precondition (${options.uid}) does not match the UID in record (${uid}). The object might have been deleted and then recreated`;
    throw conflict(about, target.name, why);
  }
  if (options.resourceVersion !== undefined && options.resourceVersion !== resourceVersion) {
    const why = `the ResourceVersion in the precondition (${options.resourceVersion}) does not match the ResourceVersion in record (${resourceVersion}). The object might have been modified`;
    throw conflict(about, target.name, why);
  }
}
