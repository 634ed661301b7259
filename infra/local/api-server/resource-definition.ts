/** What the server knows of a resource: the one description that discovery, storage, admission and tables share. */
import type { ApiObject } from './api-object.ts';
import type { NameRule } from './names.ts';
import type { Problem } from './problems.ts';
import type { Schema } from './schema.ts';
import type { Subject } from './status-error.ts';

/** A column of `kubectl get`; priority 1 is for `-o wide`. */
export interface TableColumn {
  name: string;
  type: string;
  format?: string;
  description: string;
  priority?: number;
  /** @param now milliseconds since 1970, for ages */
  cell(object: ApiObject, now: number): string | number | boolean | null;
}

/** What admission may look at. */
export interface AdmissionContext {
  now: number;
}

export interface ResourceDefinition extends Subject {
  listKind: string;
  singular: string;
  shortNames: readonly string[];
  categories: readonly string[];
  namespaced: boolean;
  /** Served versions, newest first; objects are stored as the first one. */
  versions: readonly string[];
  /** Warnings of deprecated versions. */
  deprecations: Readonly<Record<string, string>>;
  verbs: readonly string[];
  /** Comes from a CustomResourceDefinition: no strategic merge patch, unknown kinds are field errors. */
  custom: boolean;
  /** `status` is written through its own path only, and a change of the rest counts in `generation`. */
  statusSubresource: boolean;
  nameRule: NameRule;
  schema: Schema;
  /** Members that a new object of this type has even when they are empty. */
  structs: readonly string[];
  /** The object without members that its kind does not have, and the paths of these. */
  prune(object: ApiObject): { object: ApiObject; unknown: string[] };
  applyDefaults(object: ApiObject): ApiObject;
  /** Violations of the schema and its rules; `metadata` is looked at elsewhere. */
  validate(object: ApiObject): Problem[];
  /** What the server itself writes into the object. */
  prepare?(object: ApiObject, before: ApiObject | undefined, context: AdmissionContext): ApiObject;
  /** Rules beyond the schema. */
  check?(object: ApiObject, before: ApiObject | undefined): Problem[];
  columns(version: string): readonly TableColumn[];
  /** Values for field selectors beside `metadata.name` and `metadata.namespace`. */
  selectableFields?(object: ApiObject): Record<string, string>;
  /** Name of the collection that holds the objects, where another resource shares it. */
  storedAs?: string;
  /** Another shape for reading: what is stored, as this resource shows it. */
  present?(object: ApiObject): ApiObject;
}

export const ALL_VERBS = [
  'create',
  'delete',
  'deletecollection',
  'get',
  'list',
  'patch',
  'update',
  'watch',
] as const;
export const READ_VERBS = ['get', 'list', 'watch'] as const;

/** `v1`, `apps/v1`. */
export function groupVersion(group: string, version: string): string {
  return group === '' ? version : `${group}/${version}`;
}

/** Name of a resource's collection: group and plural. */
export function collectionName(definition: ResourceDefinition): string {
  return definition.storedAs ?? `${definition.group}/${definition.plural}`;
}
