/** OpenAPI v3 "structural" schemas, as CRDs carry them, made from zod schemas. */
import * as z from 'zod';
import type { Kind } from './kind.ts';

/** The part of OpenAPI v3 that our kinds use. Every node has a `type`, or preserves what it does not know. */
export interface StructuralSchema {
  type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';
  description?: string;
  properties?: Record<string, StructuralSchema>;
  additionalProperties?: StructuralSchema;
  items?: StructuralSchema;
  required?: string[];
  default?: unknown;
  nullable?: boolean;
  'x-kubernetes-preserve-unknown-fields'?: true;
  /** Formats, limits, patterns, rules: for the API server; our side of them is the zod schema. */
  [keyword: string]: unknown;
}

const PRESERVE = 'x-kubernetes-preserve-unknown-fields';

const cache = new WeakMap<object, StructuralSchema>();

/** The schema of a kind's whole object, the same for all of its versions. Do not change it: it is shared. */
export function structuralSchemaOf(kind: Pick<Kind, 'schema'>): StructuralSchema {
  let schema = cache.get(kind);
  if (!schema) {
    schema = toStructuralSchema(kind.schema);
    // "metadata may only be typed as object": the API server adds the rest.
    schema.properties!.metadata = { type: 'object' };
    cache.set(kind, schema);
  }
  return schema;
}

/**
 * A zod schema as structural schema. What zod cannot say goes into `.meta({…})`: `format: 'int64'`,
 * `x-kubernetes-list-type`, `x-kubernetes-list-map-keys`, `x-kubernetes-map-type`.
 * `z.looseObject` and `z.unknown` preserve unknown fields; `z.nullable` becomes `nullable`.
 */
export function toStructuralSchema(schema: z.ZodType): StructuralSchema {
  const { $schema: _, ...result } = z.toJSONSchema(schema, {
    target: 'openapi-3.0',
    io: 'input',
    reused: 'inline',
    override: ({ zodSchema, jsonSchema }) => adapt(zodSchema, jsonSchema as StructuralSchema),
  });
  return result as StructuralSchema;
}

/** The schema of the member `name` of an object that has `schema`; undefined: it has no such member. */
export function memberSchema(schema: StructuralSchema, name: string): StructuralSchema | undefined {
  const { properties, additionalProperties } = schema;
  return properties && Object.hasOwn(properties, name) ? properties[name] : additionalProperties;
}

/** Turns what zod writes into what the API server takes. */
function adapt(zodSchema: z.core.$ZodTypes, node: StructuralSchema): void {
  if (node.minimum === Number.MIN_SAFE_INTEGER) delete node.minimum;
  if (node.maximum === Number.MAX_SAFE_INTEGER) delete node.maximum;
  if (node.format === 'date-time') delete node.pattern;
  if (typeof node.pattern === 'string') node.pattern = node.pattern.replaceAll('\\/', '/');
  const { type } = zodSchema._zod.def;
  if (type === 'unknown' || type === 'any') node[PRESERVE] = true;
  if (type === 'object' && node.additionalProperties) {
    delete node.additionalProperties;
    node[PRESERVE] = true;
    if (Object.keys(node.properties ?? {}).length === 0) delete node.properties;
  }
  putDescriptionFirst(node);
}

/** zod writes it first or last, depending on where it was given; a reader of the CRD wants it first. */
function putDescriptionFirst(node: StructuralSchema): void {
  const { description, ...rest } = node;
  if (description === undefined) return;
  for (const keyword of Object.keys(node)) delete node[keyword];
  Object.assign(node, { description, ...rest });
}
