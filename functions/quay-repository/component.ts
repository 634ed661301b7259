/** The Component of an object, if it has one (spec 3.4, decisions "Labels count only until the write-ahead"). */
import { COMPONENT, type Component } from '../../shared/api/component.ts';
import {
  COMPONENT_LABEL,
  QUAY_IMAGE_REPOSITORY,
  type QuayImageRepository,
} from '../../shared/api/quay-image-repository.ts';
import { getServed } from '../../shared/kube/discovery.ts';
import { isNotFound } from '../../shared/kube/errors.ts';
import type { OwnerReference, Resource } from '../../shared/kube/resource.ts';
import { linkOf } from './names.ts';
import type { Desk } from './site.ts';

/** Provisioning has come to its end, and nobody has asked for another. */
export function isProvisioned({ metadata }: QuayImageRepository): boolean {
  return metadata.finalizers?.includes(QUAY_IMAGE_REPOSITORY.finalizer) ?? false;
}

/**
 * Name of the Component that the object is for; undefined: it is a general one. Labels decide until the names are written
 * ahead; from then on the status and the owner tell, so that a label that comes or changes later means nothing. A pull robot
 * alone names no Component: the newest originals gave one to every object, and the write credentials of a general one are
 * handed to no pipeline unasked.
 */
export function componentNameOf(object: QuayImageRepository): string | undefined {
  const owner = componentOwner(object);
  if (owner) return owner.name;
  const { credentials } = object.status ?? {};
  const decided = isProvisioned(object) || credentials?.['push-robot-account'] !== undefined;
  if (!decided) return linkOf(object)?.component;
  return credentials?.['pull-robot-account'] ? object.metadata.labels?.[COMPONENT_LABEL] : undefined;
}

/** The object is for a Component, whether its name is known or not. */
export function isForComponent(object: QuayImageRepository): boolean {
  return componentNameOf(object) !== undefined || Boolean(object.status?.credentials?.['pull-robot-account']);
}

/** The Component that owns the object. */
export function componentOwner({ metadata }: QuayImageRepository): OwnerReference | undefined {
  return metadata.ownerReferences?.find(
    ({ apiVersion, kind }) => kind === COMPONENT.kind && apiVersion.startsWith(`${COMPONENT.group}/`),
  );
}

export function ownerReferenceTo({ apiVersion, kind, metadata }: Component): OwnerReference {
  return { apiVersion, kind, name: metadata.name, uid: metadata.uid };
}

/** Reads a Component; undefined also on a cluster that does not know the kind. */
export async function readComponent(
  { run }: Desk,
  name: string,
): Promise<{ resource: Resource; object: Component } | undefined> {
  const { kube, cluster, signal } = run;
  const { namespace } = run.request;
  try {
    return await getServed<Component>(kube, cluster, COMPONENT, { namespace, name }, signal);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
