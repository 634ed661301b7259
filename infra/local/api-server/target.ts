/** Where a request points to. */
import { keyOf, type Stored } from './collection.ts';
import type { ResourceDefinition } from './resource-definition.ts';
import type { ServerContext } from './server-context.ts';
import { notFound } from './status-error.ts';

export interface Target {
  definition: ResourceDefinition;
  version: string;
  /** Empty: all namespaces, or a resource that has none. */
  namespace: string;
  /** Empty: the resource as a whole. */
  name: string;
  /** Empty: the object itself. */
  subresource: string;
}

/** The stored object that a request names. @throws StatusError 404 */
export function requireStored(context: ServerContext, target: Target): Stored {
  const { definition, namespace, name } = target;
  const stored = context.state.collection(definition).get(keyOf(namespace, name));
  if (!stored) throw notFound(definition, name);
  return stored;
}
