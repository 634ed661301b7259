/** Owner references: when an object is gone, what belongs to it and to nobody else goes too. */
import type { ApiObject } from './api-object.ts';
import type { Collection, Stored } from './collection.ts';
import { deleteObject } from './deletion.ts';
import type { ResourceDefinition } from './resource-definition.ts';
import type { ServerContext } from './server-context.ts';

/** Starts collecting; the answer ends it. */
export function startGarbageController(context: ServerContext): () => void {
  const stops = collectionsOf(context).map(([, collection]) =>
    collection.subscribe((event) => {
      if (event.type === 'DELETED') queueMicrotask(() => releaseDependents(context, event.stored.object));
    }),
  );
  return () => {
    for (const stop of stops) stop();
  };
}

/** Takes the owner out of the references of everything that belongs to it. */
export function orphanDependents(context: ServerContext, owner: ApiObject): void {
  for (const [definition, stored] of dependentsOf(context, owner)) disown(context, definition, stored, owner);
}

function releaseDependents(context: ServerContext, owner: ApiObject): void {
  for (const [definition, stored] of dependentsOf(context, owner)) {
    const { namespace = '', name, ownerReferences = [] } = stored.object.metadata;
    if (ownerReferences.length > 1) disown(context, definition, stored, owner);
    else {
      const target = { definition, version: definition.versions[0]!, namespace, name, subresource: '' };
      deleteObject(context, target, { dryRun: false, propagationPolicy: 'Background' });
    }
  }
}

function disown(
  context: ServerContext,
  definition: ResourceDefinition,
  stored: Stored,
  owner: ApiObject,
): void {
  const { ownerReferences: references = [], ...metadata } = stored.object.metadata;
  const left = references.filter((reference) => reference.uid !== owner.metadata.uid);
  const owned = left.length > 0 ? { ownerReferences: left } : {};
  context.state.put(definition, { ...stored.object, metadata: { ...metadata, ...owned } });
}

/** Objects in the owner's namespace (an owner without one: everywhere) that refer to it. */
function dependentsOf(context: ServerContext, owner: ApiObject): [ResourceDefinition, Stored][] {
  const { uid, namespace } = owner.metadata;
  return collectionsOf(context).flatMap(([definition, collection]) =>
    collection.hasOwners
      ? collection
          .list(definition.namespaced ? namespace : '')
          .filter(({ object }) => object.metadata.ownerReferences?.some((reference) => reference.uid === uid))
          .map((stored): [ResourceDefinition, Stored] => [definition, stored])
      : [],
  );
}

/** Every collection once, with the resource that stores into it. */
function collectionsOf(context: ServerContext): [ResourceDefinition, Collection][] {
  return context.registry.definitions
    .filter((definition) => !definition.storedAs)
    .map((definition) => [definition, context.state.collection(definition)]);
}
