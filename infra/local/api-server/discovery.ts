/** What is served: the lists that clients ask for before anything else, in the old form and the aggregated one. */
import { createHash } from 'node:crypto';
import type { Registry } from './registry.ts';
import { groupVersion, type ResourceDefinition } from './resource-definition.ts';

/** The Kubernetes release whose API this is, for `/version`. */
export const KUBERNETES_VERSION = { major: '1', minor: '36' };

/** A path below a resource's own, beside `status`. */
interface ExtraResource {
  group: string;
  version: string;
  /** Name in lists; below a resource with a slash. */
  name: string;
  kind: string;
  /** Group and version of the kind, where they are not the list's. */
  kindGroup?: string;
  namespaced: boolean;
  verbs: string[];
}

/** Requests that look like objects: reviews and tokens, which are created and never stored. */
const EXTRAS: readonly ExtraResource[] = [
  {
    group: '',
    version: 'v1',
    name: 'serviceaccounts/token',
    kind: 'TokenRequest',
    kindGroup: 'authentication.k8s.io',
    namespaced: true,
    verbs: ['create'],
  },
  review('authentication.k8s.io', 'selfsubjectreviews', 'SelfSubjectReview'),
  review('authorization.k8s.io', 'selfsubjectaccessreviews', 'SelfSubjectAccessReview'),
  review('authorization.k8s.io', 'selfsubjectrulesreviews', 'SelfSubjectRulesReview'),
];

function review(group: string, name: string, kind: string): ExtraResource {
  return { group, version: 'v1', name, kind, namespaced: false, verbs: ['create'] };
}

const STATUS_VERBS = ['get', 'patch', 'update'];

/** Every group with its versions, the core group (named empty) first. */
export function servedGroups(registry: Registry): Map<string, string[]> {
  const groups = registry.groups();
  for (const { group, version } of EXTRAS) if (!groups.has(group)) groups.set(group, [version]);
  return groups;
}

/** `/api`. */
export function coreVersions(): object {
  return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] };
}

/** `/apis`. */
export function groupList(registry: Registry): object {
  const groups = [...servedGroups(registry).keys()].filter((group) => group !== '');
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups.map((group) => groupOf(registry, group)) };
}

/** `/apis/<group>`; undefined when there is none. */
export function apiGroup(registry: Registry, group: string): object | undefined {
  if (group === '' || !servedGroups(registry).has(group)) return undefined;
  return { kind: 'APIGroup', apiVersion: 'v1', ...groupOf(registry, group) };
}

function groupOf(registry: Registry, name: string): object {
  const versions = servedGroups(registry)
    .get(name)!
    .map((version) => ({ groupVersion: groupVersion(name, version), version }));
  return { name, versions, preferredVersion: versions[0] };
}

/** `/api/v1`, `/apis/<group>/<version>`; undefined when there is no such version. */
export function resourceList(registry: Registry, group: string, version: string): object | undefined {
  if (!servedGroups(registry).get(group)?.includes(version)) return undefined;
  const resources = registry.inVersion(group, version).flatMap((definition) => {
    const { plural, singular, namespaced, kind } = definition;
    const own = { name: plural, singularName: singular, namespaced, kind, verbs: definition.verbs };
    const names = namesOf(definition);
    const status = { name: `${plural}/status`, singularName: '', namespaced, kind, verbs: STATUS_VERBS };
    return [{ ...own, ...names }, ...(hasStatus(definition) ? [status] : [])];
  });
  const extras = extrasOf(group, version).map((extra) => ({
    name: extra.name,
    singularName: extra.name.includes('/') ? '' : extra.kind.toLowerCase(),
    namespaced: extra.namespaced,
    ...(extra.kindGroup && { group: extra.kindGroup, version: extra.version }),
    kind: extra.kind,
    verbs: extra.verbs,
  }));
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: groupVersion(group, version),
    resources: [...resources, ...extras],
  };
}

/** The aggregated form of `/api` (core) or `/apis` (the rest), in which kubectl asks for everything at once. */
export function aggregatedDiscovery(registry: Registry, core: boolean, version: string): object {
  const groups = [...servedGroups(registry)].filter(([group]) => (group === '') === core);
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: `apidiscovery.k8s.io/${version}`,
    metadata: {},
    items: groups.map(([group, versions]) => ({
      metadata: group === '' ? {} : { name: group },
      versions: versions.map((each) => ({
        version: each,
        resources: aggregatedResources(registry, group, each),
        freshness: 'Current',
      })),
    })),
  };
}

function aggregatedResources(registry: Registry, group: string, version: string): object[] {
  const extras = extrasOf(group, version);
  const resources = registry.inVersion(group, version).map((definition) => {
    const { plural, kind, singular, verbs } = definition;
    const responseKind = { group, version, kind };
    const subresources = [
      ...(hasStatus(definition) ? [{ subresource: 'status', responseKind, verbs: STATUS_VERBS }] : []),
      ...extras
        .filter(({ name }) => name.startsWith(`${plural}/`))
        .map((extra) => ({
          subresource: extra.name.slice(plural.length + 1),
          responseKind: { group: extra.kindGroup ?? group, version: extra.version, kind: extra.kind },
          verbs: extra.verbs,
        })),
    ];
    return {
      resource: plural,
      responseKind,
      scope: definition.namespaced ? 'Namespaced' : 'Cluster',
      singularResource: singular,
      verbs,
      ...namesOf(definition),
      ...(subresources.length > 0 && { subresources }),
    };
  });
  const reviews = extras
    .filter(({ name }) => !name.includes('/'))
    .map(({ name, kind, verbs }) => ({
      resource: name,
      responseKind: { group, version, kind },
      scope: 'Cluster',
      singularResource: kind.toLowerCase(),
      verbs,
    }));
  return [...resources, ...reviews];
}

function extrasOf(group: string, version: string): ExtraResource[] {
  return EXTRAS.filter((extra) => extra.group === group && extra.version === version);
}

function hasStatus(definition: ResourceDefinition): boolean {
  return definition.statusSubresource && definition.verbs.includes('update');
}

function namesOf({ shortNames, categories }: ResourceDefinition): object {
  return {
    ...(shortNames.length > 0 && { shortNames }),
    ...(categories.length > 0 && { categories }),
  };
}

/** An `ETag` for a document: kubectl keeps what it has while this stays. */
export function etagOf(text: string): string {
  return `"${createHash('sha256').update(text).digest('hex')}"`;
}
