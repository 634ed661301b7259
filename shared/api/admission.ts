/**
 * What an API server does with an object of ours before it stores it, for the embedded control plane: prune, fill in
 * defaults, validate, in this order. Texts are the API server's (a test holds both against each other).
 */
import { describeIssue, type FieldProblem } from './field-problem.ts';
import type { Kind } from './kind.ts';
import { memberSchema, type StructuralSchema, structuralSchemaOf } from './structural-schema.ts';

type JsonObject = Record<string, unknown>;

/**
 * `object` without the fields that its kind does not have, and their paths, for `fieldValidation`.
 * What is kept is shared with `object`, which is not changed.
 */
export function pruneUnknown<T extends object>(
  kind: Pick<Kind, 'schema'>,
  object: T,
): { object: T; unknown: string[] } {
  const unknown: string[] = [];
  const metadata = (object as { metadata?: unknown }).metadata;
  const pruned = prune(
    structuralSchemaOf(kind),
    { ...object, metadata: undefined },
    '',
    unknown,
  ) as JsonObject;
  if (metadata === undefined) delete pruned.metadata;
  else pruned.metadata = metadata;
  return { object: pruned as T, unknown };
}

/** `object` with the defaults of its kind; a null counts as absent where the schema does not allow it. */
export function applyDefaults<T extends object>(kind: Pick<Kind, 'schema'>, object: T): T {
  return withDefaults(structuralSchemaOf(kind), object) as T;
}

/** What is wrong with spec and status of a pruned object with defaults; empty: nothing. Metadata is not looked at. */
export function validate(kind: Pick<Kind, 'schema'>, object: object): FieldProblem[] {
  const parsed = kind.schema.safeParse({ ...object, metadata: undefined });
  return parsed.success
    ? []
    : parsed.error.issues.map((issue) => describeIssue(issue, object, structuralSchemaOf(kind)));
}

function prune(schema: StructuralSchema, value: unknown, path: string, unknown: string[]): unknown {
  if (Array.isArray(value)) {
    const { items } = schema;
    return items ? value.map((item, index) => prune(items, item, `${path}[${index}]`, unknown)) : value;
  }
  if (!isObject(value)) return value;
  const result: JsonObject = {};
  for (const [name, member] of Object.entries(value)) {
    const at = path === '' ? name : `${path}.${name}`;
    const known = memberSchema(schema, name);
    if (known) result[name] = prune(known, member, at, unknown);
    else if (schema['x-kubernetes-preserve-unknown-fields']) result[name] = member;
    else unknown.push(at);
  }
  return result;
}

function withDefaults(schema: StructuralSchema, value: unknown): unknown {
  if (Array.isArray(value)) {
    const { items } = schema;
    return items ? value.map((item) => withDefaults(items, item ?? items.default ?? item)) : [...value];
  }
  if (!isObject(value)) return value;
  const result: JsonObject = { ...value };
  for (const [name, member] of Object.entries(schema.properties ?? {})) {
    if (isAbsent(member, result[name]) && member.default !== undefined) {
      result[name] = member.default;
    }
  }
  // Copies the defaults as well: nobody may write into those of the schema.
  for (const [name, member] of Object.entries(result)) {
    const known = memberSchema(schema, name);
    if (!known) continue;
    if (isAbsent(known, member)) delete result[name];
    else result[name] = withDefaults(known, member);
  }
  return result;
}

function isAbsent(schema: StructuralSchema, value: unknown): boolean {
  return value === undefined || (value === null && !schema.nullable);
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
