/** What merging, ownership and `explain` ask of a schema. Schemas come from zod (`shared/api`). */
import type { StructuralSchema } from '../../../shared/api/structural-schema.ts';

export type Schema = StructuralSchema;

/** The schema of a member of an object; undefined where the schema knows none. */
export function memberSchema(schema: Schema | undefined, key: string): Schema | undefined {
  const { properties, additionalProperties } = schema ?? {};
  return properties && Object.hasOwn(properties, key) ? properties[key] : additionalProperties;
}

/** How applied lists merge: whole, by keys, or as a set of scalars. Without a statement: whole. */
export function listType(schema: Schema | undefined): 'atomic' | 'map' | 'set' {
  const type = schema?.['x-kubernetes-list-type'];
  return type === 'map' || type === 'set' ? type : 'atomic';
}

/** The members that tell the items of a keyed list apart. */
export function listKeys(schema: Schema | undefined): readonly string[] | undefined {
  const keys = schema?.['x-kubernetes-list-map-keys'];
  return Array.isArray(keys) ? keys : undefined;
}

export function isAtomicMap(schema: Schema | undefined): boolean {
  return schema?.['x-kubernetes-map-type'] === 'atomic';
}

/** Does a strategic merge patch merge this list, and by which member? Scalars merge without one. */
export function patchMerge(schema: Schema | undefined): { key?: string } | undefined {
  if (schema?.['x-kubernetes-patch-strategy'] !== 'merge') return undefined;
  const key = schema['x-kubernetes-patch-merge-key'];
  return typeof key === 'string' ? { key } : {};
}
