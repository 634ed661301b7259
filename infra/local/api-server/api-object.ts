/** Objects as the server keeps them. They are never changed in place: a write makes a new one. */
import type { OwnerReference } from '../../../shared/kube/resource.ts';
import type { Fields } from './field-set.ts';

/** Who owns which fields: `metadata.managedFields[]`. */
export interface ManagedFieldsEntry {
  manager: string;
  operation: 'Apply' | 'Update';
  apiVersion: string;
  time?: string;
  fieldsType: 'FieldsV1';
  fieldsV1: Fields;
  subresource?: string;
}

export interface ApiMeta {
  name: string;
  generateName?: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
  ownerReferences?: OwnerReference[];
  managedFields?: ManagedFieldsEntry[];
}

export interface ApiObject {
  apiVersion: string;
  kind: string;
  metadata: ApiMeta;
  [field: string]: unknown;
}

/**
 * `object` as JSON, without the opening brace, `apiVersion` and `kind`: what all served versions have in common,
 * so that a stored object is turned into text once.
 */
export function jsonTail(object: ApiObject): string {
  const { apiVersion: _version, kind: _kind, ...rest } = object;
  return JSON.stringify(rest).slice(1);
}

/** RFC 3339 in whole seconds, UTC. */
export function timestamp(now: number): string {
  return `${new Date(now).toISOString().slice(0, 19)}Z`;
}

/** `members` without those that are undefined, empty lists or empty maps: they are not stored. */
export function compact<T extends object>(members: T): Partial<T> {
  const kept: Partial<T> = {};
  for (const key in members) {
    const value = members[key];
    if (value === undefined) continue;
    if (typeof value === 'object' && value !== null && Object.keys(value).length === 0) continue;
    kept[key] = value;
  }
  return kept;
}
