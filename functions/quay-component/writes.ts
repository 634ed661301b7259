/** How a Component is written: annotations and our finalizer, nothing else of it is ours. */
import { COMPONENT, type Component } from '../../shared/api/component.ts';
import type { Desk } from './place.ts';

/**
 * One guarded patch of annotations, and of the finalizer where it has to come or go; none where neither changes.
 * @throws KubeError `Conflict` when somebody wrote since it was read
 */
export async function annotate(
  { run, resource }: Desk,
  component: Component,
  annotations: Record<string, string | null>,
  { held }: { held: boolean },
): Promise<Component> {
  const { namespace, name, uid, resourceVersion, finalizers = [] } = component.metadata;
  const others = finalizers.filter((each) => each !== COMPONENT.finalizer);
  const isChanged = held !== finalizers.includes(COMPONENT.finalizer);
  if (!isChanged && Object.keys(annotations).length === 0) return component;
  const metadata = {
    uid,
    resourceVersion,
    ...(Object.keys(annotations).length > 0 && { annotations }),
    ...(isChanged && { finalizers: held ? [...others, COMPONENT.finalizer] : others }),
  };
  return await run.kube.patch<Component>(resource, { namespace, name }, { metadata }, run.signal);
}

export function isHeld({ metadata }: Component): boolean {
  return metadata.finalizers?.includes(COMPONENT.finalizer) ?? false;
}
