/** Namespaces: the ones that exist from the start, and the end of those that are deleted. */
import { randomUUID } from 'node:crypto';
import { timestamp } from './api-object.ts';
import { INITIAL_NAMESPACES, NAMESPACE_RESOURCE } from './builtin/namespace.ts';
import { deleteObject } from './deletion.ts';
import type { ResourceDefinition } from './resource-definition.ts';
import type { ServerContext } from './server-context.ts';

/** Makes the initial namespaces, finishes deletions that a stop interrupted, and waits for more; returns a stop. */
export function startNamespaceController(context: ServerContext): () => void {
  const namespaces = context.state.collection(NAMESPACE_RESOURCE);
  for (const name of INITIAL_NAMESPACES) if (!namespaces.get(name)) createNamespace(context, name);
  const check = (name: string) => {
    if (namespaces.get(name)?.object.metadata.deletionTimestamp) {
      queueMicrotask(() => emptyNamespace(context, name));
    }
  };
  const stops = contentsOf(context).map((definition) =>
    context.state.collection(definition).subscribe((event) => {
      if (event.type === 'DELETED') check(event.stored.object.metadata.namespace ?? '');
    }),
  );
  stops.push(namespaces.subscribe((event) => check(event.stored.key)));
  for (const { key } of namespaces.list()) check(key);
  return () => {
    for (const stop of stops) stop();
  };
}

function createNamespace(context: ServerContext, name: string): void {
  const metadata = { name, uid: randomUUID(), creationTimestamp: timestamp(context.now()) };
  const object = { apiVersion: 'v1', kind: 'Namespace', metadata };
  const prepared = NAMESPACE_RESOURCE.prepare!(object, undefined, { now: context.now() });
  context.state.put(NAMESPACE_RESOURCE, prepared);
}

/** Deletes what is in a namespace that is being deleted; when nothing is left, the namespace itself. */
function emptyNamespace(context: ServerContext, namespace: string): void {
  const found = context.state.collection(NAMESPACE_RESOURCE).get(namespace);
  if (!found?.object.metadata.deletionTimestamp) return;
  let waiting = 0;
  for (const definition of contentsOf(context)) {
    for (const { object } of context.state.collection(definition).list(namespace)) {
      const target = {
        definition,
        version: definition.versions[0]!,
        namespace,
        name: object.metadata.name,
        subresource: '',
      };
      const { removed } = deleteObject(context, target, { dryRun: false, propagationPolicy: 'Background' });
      if (!removed) waiting++;
    }
  }
  if (waiting === 0 && context.state.collection(NAMESPACE_RESOURCE).get(namespace)) {
    context.state.remove(NAMESPACE_RESOURCE, found.object);
  }
}

function contentsOf(context: ServerContext): ResourceDefinition[] {
  return context.registry.definitions.filter((each) => each.namespaced && !each.storedAs);
}
