/** The CustomResourceDefinitions of our kinds as objects, for clients that look for them. */
import { randomUUID } from 'node:crypto';
import { timestamp } from './api-object.ts';
import { CRD_RESOURCE } from './builtin/custom-resource-definition.ts';
import type { ServerContext } from './server-context.ts';
import { equal, type Tree, treeAt, valueAt } from './tree.ts';

interface Definition {
  apiVersion: string;
  kind: string;
  metadata: { name: string };
  spec: object;
}

/** Stores what differs from the last start, and removes definitions that are served no more. */
export function publishDefinitions(context: ServerContext, definitions: readonly Definition[]): void {
  const collection = context.state.collection(CRD_RESOURCE);
  for (const { key, object } of collection.list()) {
    if (!definitions.some(({ metadata }) => metadata.name === key))
      context.state.remove(CRD_RESOURCE, object);
  }
  for (const definition of definitions) {
    const { name } = definition.metadata;
    const stored = collection.get(name)?.object;
    if (stored && equal(stored.spec, definition.spec)) continue;
    const created = timestamp(context.now());
    context.state.put(CRD_RESOURCE, {
      ...definition,
      metadata: {
        ...definition.metadata,
        uid: stored?.metadata.uid ?? randomUUID(),
        generation: (stored?.metadata.generation ?? 0) + 1,
        creationTimestamp: stored?.metadata.creationTimestamp ?? created,
      },
      status: statusOf(definition, created),
    });
  }
}

function statusOf(definition: Definition, now: string): Tree {
  const versions = valueAt(definition, 'spec', 'versions');
  const stored = Array.isArray(versions) ? versions.filter((version) => version.storage) : [];
  const condition = (type: string, reason: string, message: string) => {
    return { type, status: 'True', lastTransitionTime: now, reason, message };
  };
  return {
    acceptedNames: treeAt(definition.spec, 'names'),
    conditions: [
      condition('NamesAccepted', 'NoConflicts', 'no conflicts found'),
      condition('Established', 'InitialNamesAccepted', 'the initial names have been accepted'),
    ],
    storedVersions: stored.map((version) => version.name),
  };
}
