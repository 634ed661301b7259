/** Names that follow from an object (spec 4). Pure: the random part comes in from outside. */
import {
  APPLICATION_LABEL,
  COMPONENT_LABEL,
  type QuayImageRepository,
} from '../../shared/api/quay-image-repository.ts';

/** Where the repositories are: `host` with its port, as image URLs have it. */
export interface Registry {
  host: string;
  organization: string;
}

/** Robot names, and Secret names after them, keep so much of the name that they are made from (4.4, 4.5). */
const KEPT = 220;

export type Role = 'push' | 'pull';

/** What both labels together name; undefined unless both are there and not empty (4.1). */
export function linkOf(object: QuayImageRepository): { application: string; component: string } | undefined {
  const { labels = {} } = object.metadata;
  const application = labels[APPLICATION_LABEL];
  const component = labels[COMPONENT_LABEL];
  return application && component ? { application, component } : undefined;
}

/**
 * Name of the repository inside the organization (4.2). A provisioned object is known by its status, never by its spec,
 * which anybody may edit; an address in the status that reaches into another registry, organization or namespace is none.
 */
export function imageNameOf(object: QuayImageRepository, registry: Registry): string {
  const namespace = namespaceOf(object);
  const provisioned = provisionedName(object, registry);
  if (provisioned) return provisioned;
  const wanted = object.spec?.image?.name;
  if (wanted) return fullName(namespace, wanted);
  const link = linkOf(object);
  return link ? `${namespace}/${link.application}/${link.component}` : `${namespace}/${object.metadata.name}`;
}

/** What `status.image.url` names below the namespace; undefined when it names nothing of it. */
export function provisionedName(object: QuayImageRepository, registry: Registry): string | undefined {
  const url = object.status?.image?.url;
  const root = `${registry.host}/${registry.organization}/`;
  const own = `${root}${namespaceOf(object)}/`;
  if (!url?.startsWith(own) || url.length === own.length) return undefined;
  const name = url.slice(root.length);
  return isPlainPath(name) ? name : undefined;
}

/** A name as a user writes it, below the namespace (4.2). */
export function fullName(namespace: string, name: string): string {
  const relative = name.startsWith('/') ? name.slice(1) : name;
  return relative.startsWith(`${namespace}/`) ? relative : `${namespace}/${relative}`;
}

export function imageUrlOf(imageName: string, { host, organization }: Registry): string {
  return `${host}/${organization}/${imageName}`;
}

/**
 * Short name of a robot (4.4).
 * @param suffix ten lower-case hexadecimal characters from a cryptographic source, another for every robot
 */
export function robotNameOf(imageName: string, role: Role, suffix: string): string {
  const tail = role === 'pull' ? '_pull' : '';
  return collapsed(`${robotBase(imageName)}_${suffix}${tail}`);
}

/**
 * Whether a robot may be one that was made for this repository and role. A status is no proof: who can edit it must not
 * be able to have other people's robots deleted (4.4).
 */
export function isOwnRobot(name: string, imageName: string, role: Role): boolean {
  const tail = role === 'pull' ? '_pull' : '';
  const base = robotBase(imageName);
  return [`${base}_`, collapsed(`${base}_`)].some(
    (start) => name.startsWith(start) && isSuffix(name.slice(start.length), tail),
  );
}

/** Name of the Secret with the credentials of a role (4.5); a RemoteSecret has the same. */
export function secretNameOf(objectName: string, role: Role): string {
  const kept = objectName.length > KEPT ? objectName.slice(0, KEPT).replace(/[^a-z0-9]+$/, '') : objectName;
  return `${kept}-image-${role}`;
}

function robotBase(imageName: string): string {
  return imageName.slice(0, KEPT).replace(/[/.-]/g, '_');
}

/** Quay refuses doubled underscores. */
function collapsed(name: string): string {
  return name.replace(/_+/g, '_');
}

function isSuffix(text: string, tail: string): boolean {
  return text.endsWith(tail) && /^[0-9a-f]{9,12}$/.test(text.slice(0, text.length - tail.length));
}

/** No part of it is a step to somewhere else. */
function isPlainPath(name: string): boolean {
  return name.split('/').every((part) => /^[a-z0-9][.a-z0-9_-]*$/.test(part));
}

function namespaceOf({ metadata }: QuayImageRepository): string {
  return metadata.namespace ?? '';
}
