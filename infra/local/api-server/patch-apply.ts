/** Server-side apply: merges what an applier wants, keeps who owns what, removes what it no longer wants. */
import type { ApiObject, ManagedFieldsEntry } from './api-object.ts';
import {
  changesOf,
  difference,
  type Fields,
  fieldsOf,
  intersection,
  isAtomic,
  itemStep,
  nonEmpty,
  pathsOf,
  unionOf,
} from './field-set.ts';
import {
  isSameWriter,
  newEntry,
  ownableView,
  sortEntries,
  type Writer,
  withFields,
} from './managed-fields.ts';
import { memberSchema, type Schema } from './schema.ts';
import { type StatusCause, StatusError } from './status-error.ts';
import { isTree, type Tree } from './tree.ts';

export interface Applied {
  object: ApiObject;
  managedFields: ManagedFieldsEntry[];
}

/**
 * @param live the stored object, or an empty one of the same name
 * @param wanted what the applier wrote, without unknown fields and without `managedFields`
 * @param force take fields that others own instead of refusing
 * @throws StatusError 409 with one cause for every field that another manager owns with another value
 */
export function applyPatch(
  schema: Schema,
  live: ApiObject,
  wanted: ApiObject,
  writer: Writer,
  force: boolean,
  now: number,
): Applied {
  const withStatus = writer.subresource === 'status';
  const entries = live.metadata.managedFields ?? [];
  const own = entries.find((entry) => isSameWriter(entry, writer));
  const others = entries.filter((entry) => entry !== own);
  const config = fieldsOf(schema, ownableView(wanted, withStatus));
  const merged = merge(schema, live, wanted) as ApiObject;
  const { written } = changesOf(schema, ownableView(live, true), ownableView(merged, true));
  if (!force) refuseConflicts(others, written, allowedConflicts(schema, live, writer));
  const ownedByOthers = others.reduce<Fields | undefined>(
    (all, entry) => unionOf(all, entry.fieldsV1),
    undefined,
  );
  const gone = own && difference(own.fieldsV1, config);
  const object = gone
    ? (dropFields(schema, merged, gone, unionOf(ownedByOthers, config)) as ApiObject)
    : merged;
  const left = others.flatMap((entry) => withFields(entry, difference(entry.fieldsV1, written), now));
  const mine = own ? withFields(own, config, now) : [newEntry(writer, config, now)];
  return { object, managedFields: sortEntries([...left, ...mine]) };
}

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/**
 * `kubectl apply --server-side` takes over, without being forced, what `kubectl apply` has set before: the fields of
 * the configuration that it left in an annotation.
 */
function allowedConflicts(schema: Schema, live: ApiObject, writer: Writer): Fields | undefined {
  const text = live.metadata.annotations?.[LAST_APPLIED];
  if (writer.manager !== 'kubectl' || text === undefined) return undefined;
  try {
    const applied: unknown = JSON.parse(text);
    if (!isTree(applied) || !isTree(applied.metadata)) return undefined;
    return nonEmpty(fieldsOf(schema, ownableView(applied as ApiObject, true)));
  } catch {
    return undefined;
  }
}

function refuseConflicts(
  others: ManagedFieldsEntry[],
  written: Fields | undefined,
  allowed: Fields | undefined,
): void {
  const clashes = others.map((entry) => difference(intersection(written, entry.fieldsV1), allowed));
  if (clashes.every((fields) => fields === undefined)) return;
  const causes: StatusCause[] = [];
  const texts: string[] = [];
  for (const entry of others) {
    const shared = intersection(written, entry.fieldsV1);
    if (!shared) continue;
    const using = entry.operation === 'Update' ? ` using ${entry.apiVersion}` : '';
    const who = `"${entry.manager}"${entry.subresource ? ` with subresource "${entry.subresource}"` : ''}${using}`;
    const paths = pathsOf(shared);
    for (const field of paths) {
      causes.push({ reason: 'FieldManagerConflict', message: `conflict with ${who}`, field });
    }
    texts.push(
      paths.length === 1
        ? `conflict with ${who}: ${paths[0]}`
        : `conflicts with ${who}:\n${paths.map((path) => `- ${path}`).join('\n')}`,
    );
  }
  const count = causes.length === 1 ? '1 conflict' : `${causes.length} conflicts`;
  throw new StatusError(409, 'Conflict', `Apply failed with ${count}: ${texts.join('\n')}`, { causes });
}

function merge(schema: Schema | undefined, live: unknown, wanted: unknown): unknown {
  if (live === undefined || live === null || isAtomic(schema, wanted) || isAtomic(schema, live))
    return wanted;
  if (isTree(live) && isTree(wanted)) {
    const merged: Tree = { ...live };
    for (const key in wanted) {
      if (wanted[key] !== undefined) merged[key] = merge(memberSchema(schema, key), live[key], wanted[key]);
    }
    return merged;
  }
  return Array.isArray(live) && Array.isArray(wanted) ? mergeLists(schema, live, wanted) : wanted;
}

function mergeLists(schema: Schema | undefined, live: unknown[], wanted: unknown[]): unknown[] {
  const coming = new Map(wanted.map((item) => [itemStep(schema, item), item]));
  const merged = live.map((item) => {
    const step = itemStep(schema, item);
    if (!coming.has(step)) return item;
    const next = merge(schema?.items, item, coming.get(step));
    coming.delete(step);
    return next;
  });
  return [...merged, ...coming.values()];
}

/** Removes the fields that the applier gave up and nobody else owns; a parent that ends empty goes with them. */
function dropFields(
  schema: Schema | undefined,
  value: unknown,
  gone: Fields,
  kept: Fields | undefined,
): unknown {
  if (Array.isArray(value)) {
    return value.flatMap((item) => {
      const step = itemStep(schema, item);
      return dropStep(schema?.items, item, gone[step], kept?.[step]);
    });
  }
  if (!isTree(value)) return value;
  const left: Tree = {};
  for (const key in value) {
    const step = `f:${key}`;
    const [member] = dropStep(memberSchema(schema, key), value[key], gone[step], kept?.[step]);
    if (member !== undefined) left[key] = member;
  }
  return left;
}

/** The value in a list of one, or an empty list when it goes. */
function dropStep(
  schema: Schema | undefined,
  value: unknown,
  gone: Fields | undefined,
  kept: Fields | undefined,
): unknown[] {
  if (!gone) return [value];
  const below = Object.keys(gone).filter((step) => step !== '.');
  if (below.length === 0 || isAtomic(schema, value)) return kept ? [value] : [];
  const left = dropFields(schema, value, gone, kept);
  const empty = Array.isArray(left) ? left.length === 0 : isTree(left) && Object.keys(left).length === 0;
  return empty && !kept ? [] : [left];
}
