/** Field ownership: `metadata.managedFields` after a write that is not an apply, and what apply needs of it. */
import { type ApiObject, compact, type ManagedFieldsEntry, timestamp } from './api-object.ts';
import { changesOf, difference, differenceBelow, type Fields, sortFields, unionOf } from './field-set.ts';
import type { Schema } from './schema.ts';
import { equal, isTree, type Tree } from './tree.ts';

/** Who writes, and how it is recorded. */
export interface Writer {
  manager: string;
  operation: 'Apply' | 'Update';
  apiVersion: string;
  subresource: string;
}

/** What owners can own: no identity, no bookkeeping of the server. `status` only through its sub-resource. */
export function ownableView(object: ApiObject, withStatus: boolean): Tree {
  const { apiVersion: _version, kind: _kind, metadata, status, ...rest } = object;
  const { labels, annotations, finalizers, ownerReferences, generateName } = metadata;
  const ownable = compact({ labels, annotations, finalizers, ownerReferences, generateName });
  const view: Tree = { ...rest, ...(Object.keys(ownable).length > 0 && { metadata: ownable }) };
  if (withStatus && status !== undefined) view.status = status;
  return view;
}

/**
 * Ownership after an update: the writer owns what it wrote, others lose it; what is gone belongs to nobody.
 * @param before the stored object; undefined: the object is new
 * @param structs members that exist empty in a new object of this type (`spec` of built-in types)
 * @returns the entries; undefined when the object is not tracked (it exists without any)
 */
export function trackUpdate(
  schema: Schema,
  before: ApiObject | undefined,
  after: ApiObject,
  writer: Writer,
  now: number,
  structs: readonly string[],
): ManagedFieldsEntry[] | undefined {
  const given = after.metadata.managedFields;
  const stored = before?.metadata.managedFields;
  const entries = given === undefined ? stored : given.filter((entry) => isTree(entry) && entry.manager);
  if (before && !entries?.length) return undefined;
  const withStatus = before !== undefined;
  const blank: Tree = Object.fromEntries(['metadata', ...structs].map((name) => [name, {}]));
  const changes = changesOf(
    schema,
    before ? ownableView(before, withStatus) : blank,
    ownableView(after, withStatus),
  );
  if (!changes.written && !changes.removed) return entries?.length ? entries : undefined;
  const kept = (entries ?? []).flatMap((entry) => {
    const own = isSameWriter(entry, writer);
    const left = differenceBelow(
      own ? entry.fieldsV1 : difference(entry.fieldsV1, changes.written),
      changes.removed,
    );
    return withFields(entry, own ? unionOf(left, changes.written) : left, now);
  });
  if (changes.written && !kept.some((entry) => isSameWriter(entry, writer))) {
    kept.push(newEntry(writer, changes.written, now));
  }
  return kept.length > 0 ? sortEntries(kept) : undefined;
}

export function isSameWriter(entry: ManagedFieldsEntry, writer: Writer): boolean {
  return (
    entry.manager === writer.manager &&
    entry.operation === writer.operation &&
    (entry.subresource ?? '') === writer.subresource &&
    (writer.operation === 'Apply' || entry.apiVersion === writer.apiVersion)
  );
}

export function newEntry(writer: Writer, fields: Fields, now: number): ManagedFieldsEntry {
  return {
    manager: writer.manager,
    operation: writer.operation,
    apiVersion: writer.apiVersion,
    time: timestamp(now),
    fieldsType: 'FieldsV1',
    fieldsV1: sortFields(fields),
    ...(writer.subresource !== '' && { subresource: writer.subresource }),
  };
}

/** The entry with other fields: none when it owns nothing any more, itself when it owns the same. */
export function withFields(
  entry: ManagedFieldsEntry,
  fields: Fields | undefined,
  now: number,
): ManagedFieldsEntry[] {
  if (!fields) return [];
  if (fields === entry.fieldsV1 || equal(fields, entry.fieldsV1)) return [entry];
  return [{ ...entry, time: timestamp(now), fieldsV1: sortFields(fields) }];
}

/** Appliers first, then by time and name. */
export function sortEntries(entries: ManagedFieldsEntry[]): ManagedFieldsEntry[] {
  const rank = (entry: ManagedFieldsEntry) =>
    `${entry.operation === 'Apply' ? 0 : 1} ${entry.time ?? ''} ${entry.manager}`;
  return entries.sort((a, b) => (rank(a) < rank(b) ? -1 : rank(a) > rank(b) ? 1 : 0));
}
