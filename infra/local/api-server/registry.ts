/** The resources that a server serves, found by what a path or a reference says. */
import { CONFIG_MAP_RESOURCE } from './builtin/config-map.ts';
import { CRD_RESOURCE } from './builtin/custom-resource-definition.ts';
import { EVENT_RESOURCE, NEW_EVENT_RESOURCE } from './builtin/event.ts';
import { LEASE_RESOURCE } from './builtin/lease.ts';
import { NAMESPACE_RESOURCE } from './builtin/namespace.ts';
import { SECRET_RESOURCE } from './builtin/secret.ts';
import { SERVICE_RESOURCE } from './builtin/service.ts';
import { SERVICE_ACCOUNT_RESOURCE } from './builtin/service-account.ts';
import type { ResourceDefinition } from './resource-definition.ts';

const BUILTINS: readonly ResourceDefinition[] = [
  CONFIG_MAP_RESOURCE,
  EVENT_RESOURCE,
  NAMESPACE_RESOURCE,
  SECRET_RESOURCE,
  SERVICE_ACCOUNT_RESOURCE,
  SERVICE_RESOURCE,
  CRD_RESOURCE,
  LEASE_RESOURCE,
  NEW_EVENT_RESOURCE,
];

export class Registry {
  /** Every resource: the built-in ones, then the others by group, as a server lists them. Clients take the first of a name. */
  readonly definitions: readonly ResourceDefinition[];
  readonly #byPath = new Map<string, ResourceDefinition>();

  constructor(custom: readonly ResourceDefinition[]) {
    this.definitions = [...BUILTINS, ...custom.toSorted((a, b) => (a.group < b.group ? -1 : 1))];
    for (const definition of this.definitions) {
      for (const version of definition.versions) {
        this.#byPath.set(`${definition.group}/${version}/${definition.plural}`, definition);
      }
    }
  }

  find(group: string, version: string, plural: string): ResourceDefinition | undefined {
    return this.#byPath.get(`${group}/${version}/${plural}`);
  }

  /** The definitions of one group and version; empty when there is no such version. */
  inVersion(group: string, version: string): ResourceDefinition[] {
    return this.definitions.filter((each) => each.group === group && each.versions.includes(version));
  }

  /** Groups and their versions, newest first, in the order of the definitions. */
  groups(): Map<string, string[]> {
    const groups = new Map<string, string[]>();
    for (const { group, versions } of this.definitions) {
      const known = groups.get(group) ?? [];
      groups.set(group, [...known, ...versions.filter((version) => !known.includes(version))]);
    }
    return groups;
  }
}
