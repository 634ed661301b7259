/**
 * Sets of fields in the form that `metadata.managedFields[].fieldsV1` has: `f:<name>` a member, `k:<json>` a list
 * item by its keys, `v:<json>` a scalar of a set, `.` the thing itself. A leaf is an empty object.
 */
import { isAtomicMap, listKeys, listType, memberSchema, type Schema } from './schema.ts';
import { equal, isTree, type Tree } from './tree.ts';

export interface Fields {
  [step: string]: Fields;
}

const isLeaf = (fields: Fields) => {
  for (const _ in fields) return false;
  return true;
};

/** Does the set hold this place itself, not only something below it? */
const isMember = (fields: Fields) => '.' in fields || isLeaf(fields);

const asNode = (fields: Fields): Fields => (isLeaf(fields) ? { '.': {} } : fields);

/** Is a value of this schema owned as a whole? */
export function isAtomic(schema: Schema | undefined, value: unknown): boolean {
  if (Array.isArray(value)) return listType(schema) === 'atomic';
  return !isTree(value) || isAtomicMap(schema);
}

/** The steps below a value that is not atomic, each with its value and schema. */
export function stepsOf(
  schema: Schema | undefined,
  value: unknown,
): Map<string, [unknown, Schema | undefined]> {
  const steps = new Map<string, [unknown, Schema | undefined]>();
  if (Array.isArray(value)) {
    for (const item of value) steps.set(itemStep(schema, item), [item, schema?.items]);
  } else if (isTree(value)) {
    for (const key in value) {
      if (value[key] !== undefined) steps.set(`f:${key}`, [value[key], memberSchema(schema, key)]);
    }
  }
  return steps;
}

/** How an item of a keyed list or a set is named. */
export function itemStep(schema: Schema | undefined, item: unknown): string {
  const keys = listKeys(schema);
  if (!keys) return `v:${JSON.stringify(item)}`;
  const named: Tree = {};
  for (const key of [...keys].sort()) named[key] = isTree(item) ? item[key] : undefined;
  return `k:${JSON.stringify(named)}`;
}

/** Every field that `value` sets; empty objects and lists count as fields themselves. */
export function fieldsOf(schema: Schema | undefined, value: unknown): Fields {
  const fields: Fields = {};
  if (isAtomic(schema, value)) return fields;
  for (const [step, [member, memberOf]] of stepsOf(schema, value)) {
    const below = fieldsOf(memberOf, member);
    if (step.startsWith('k:') && !isLeaf(below)) below['.'] = {};
    fields[step] = below;
  }
  return fields;
}

/** What differs between two objects of one schema: added or modified, and removed fields. */
export interface Changes {
  written?: Fields | undefined;
  removed?: Fields | undefined;
}

/** Compares two objects. */
export function changesOf(schema: Schema | undefined, before: unknown, after: unknown): Changes {
  const written: Fields = {};
  const removed: Fields = {};
  if (before === after || !compare(schema, before, after, written, removed)) return {};
  return { written: nonEmpty(written), removed: nonEmpty(removed) };
}

/** An empty set is `undefined`: below the root, an empty object is a leaf. */
export function nonEmpty(fields: Fields): Fields | undefined {
  return isLeaf(fields) ? undefined : fields;
}

function compare(
  schema: Schema | undefined,
  before: unknown,
  after: unknown,
  written: Fields,
  removed: Fields,
): boolean {
  if (isAtomic(schema, after) || isAtomic(schema, before)) return !equal(before, after);
  const old = stepsOf(schema, before);
  const now = stepsOf(schema, after);
  let differs = false;
  for (const [step, [value, valueSchema]] of now) {
    const previous = old.get(step);
    if (!previous) {
      written[step] = addedFields(valueSchema, value);
      differs = true;
    } else if (previous[0] !== value) {
      const writtenBelow: Fields = {};
      const removedBelow: Fields = {};
      if (!compare(valueSchema, previous[0], value, writtenBelow, removedBelow)) continue;
      differs = true;
      if (isAtomic(valueSchema, value) || isAtomic(valueSchema, previous[0])) written[step] = {};
      else {
        if (!isLeaf(writtenBelow)) written[step] = writtenBelow;
        if (!isLeaf(removedBelow)) removed[step] = removedBelow;
      }
    }
  }
  for (const [step, [value, valueSchema]] of old) {
    if (now.has(step)) continue;
    removed[step] = addedFields(valueSchema, value);
    differs = true;
  }
  return differs;
}

/** Like `fieldsOf`, and what holds new members is itself new. */
function addedFields(schema: Schema | undefined, value: unknown): Fields {
  const fields: Fields = {};
  if (isAtomic(schema, value)) return fields;
  for (const [step, [member, memberOf]] of stepsOf(schema, value))
    fields[step] = addedFields(memberOf, member);
  if (!isLeaf(fields)) fields['.'] = {};
  return fields;
}

/** Members of `a` or `b`. */
export function unionOf(a: Fields | undefined, b: Fields | undefined): Fields | undefined {
  return a && b ? union(a, b) : (a ?? b);
}

function union(a: Fields, b: Fields): Fields {
  if (isLeaf(b)) return isLeaf(a) ? a : { ...a, '.': {} };
  if (isLeaf(a)) return { ...b, '.': {} };
  const result: Fields = { ...a };
  for (const step in b) result[step] = step in result ? union(result[step]!, b[step]!) : b[step]!;
  return result;
}

/** Members of `a` that are not in `b`; undefined when none are left. */
export function difference(a: Fields | undefined, b: Fields | undefined): Fields | undefined {
  if (!a || !b) return a;
  if (isLeaf(a)) return isMember(b) ? undefined : a;
  const result: Fields = {};
  for (const step in a) {
    const other = step === '.' && isLeaf(b) ? {} : b[step];
    const left = other ? difference(a[step]!, other) : a[step]!;
    if (left) result[step] = left;
  }
  if (isLeaf(result)) return undefined;
  return result['.'] && Object.keys(result).length === 1 ? {} : result;
}

/** Members of `a` without everything at or below the members of `b`; undefined when none are left. */
export function differenceBelow(a: Fields | undefined, b: Fields | undefined): Fields | undefined {
  if (!a || !b) return a;
  if (isMember(b)) return undefined;
  if (isLeaf(a)) return a;
  const result: Fields = {};
  for (const step in a) {
    const left = differenceBelow(a[step], b[step]);
    if (left) result[step] = left;
  }
  if (isLeaf(result)) return undefined;
  return result['.'] && Object.keys(result).length === 1 ? {} : result;
}

/** Members of both. */
export function intersection(a: Fields | undefined, b: Fields | undefined): Fields | undefined {
  if (!a || !b) return undefined;
  const left = asNode(a);
  const right = asNode(b);
  const result: Fields = {};
  for (const step in left) {
    if (!(step in right)) continue;
    if (step === '.') result['.'] = {};
    else {
      const below = intersection(left[step]!, right[step]!);
      if (below) result[step] = below;
    }
  }
  if (isLeaf(result)) return undefined;
  return result['.'] && Object.keys(result).length === 1 ? {} : result;
}

/** The members as paths in the form of conflict messages: `.spec.image`, `.list[name="a"].x`. */
export function pathsOf(fields: Fields, prefix = ''): string[] {
  const paths: string[] = isMember(fields) && prefix !== '' ? [prefix] : [];
  for (const step of Object.keys(fields).sort()) {
    if (step !== '.') paths.push(...pathsOf(fields[step]!, prefix + pathStep(step)));
  }
  return paths;
}

function pathStep(step: string): string {
  const rest = step.slice(2);
  if (step.startsWith('f:')) return `.${rest}`;
  if (step.startsWith('v:')) return `[=${rest}]`;
  const keys = JSON.parse(rest) as Tree;
  return `[${Object.entries(keys)
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join(',')}]`;
}

/** The set with its steps in order, so that equal sets are equal texts. */
export function sortFields(fields: Fields): Fields {
  const sorted: Fields = {};
  for (const step of Object.keys(fields).sort()) sorted[step] = sortFields(fields[step]!);
  return sorted;
}
