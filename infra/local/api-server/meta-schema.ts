/** The schema of whole objects: CRDs say nothing about `metadata`, the server knows what is in it. */
import { pruneUnknown, validate } from '../../../shared/api/admission.ts';
import { toStructuralSchema } from '../../../shared/api/structural-schema.ts';
import type { ApiMeta } from './api-object.ts';
import { objectMeta } from './builtin/fields.ts';
import type { Problem } from './problems.ts';
import type { Schema } from './schema.ts';
import type { Tree } from './tree.ts';

export const META_SCHEMA: Schema = toStructuralSchema(objectMeta);

const META = { schema: objectMeta };

/** `schema` with what is below `metadata`. */
export function withMeta(schema: Schema): Schema {
  return { ...schema, properties: { ...schema.properties, metadata: META_SCHEMA } };
}

/**
 * `metadata` as it can be stored: without nulls, without members that nobody knows (their paths go to `unknown`).
 * Wrong types are problems.
 */
export function readMeta(raw: Tree, unknown: string[]): { meta: ApiMeta; problems: Problem[] } {
  const given: Tree = {};
  for (const key in raw) if (raw[key] !== null && raw[key] !== undefined) given[key] = raw[key];
  const pruned = pruneUnknown(META, given);
  unknown.push(...pruned.unknown.map((path) => `metadata.${path}`));
  const problems = validate(META, pruned.object).map((problem) => ({
    ...problem,
    field: `metadata.${problem.field}`,
  }));
  return { meta: { ...pruned.object, name: String(given.name ?? '') } as ApiMeta, problems };
}
